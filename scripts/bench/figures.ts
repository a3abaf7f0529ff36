/** What a benchmark found: a line each as it is noted; with `--json` on the command line, all of it as one object on the last line. */

/** On the ratio to the baseline where there is one, else on the value. */
export interface Goal {
  readonly least?: number;
  readonly most?: number;
}

export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** Of what it is compared with, in the same run and unit: another implementation, or a budget. */
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly goal: Goal | null;
  /** Whether the goal is reached; null without one. */
  readonly ok: boolean | null;
}

export interface Beside {
  readonly baseline?: number | null;
  readonly goal?: Goal | null;
}

export interface Figures {
  readonly note: (name: string, value: number, unit: string, beside?: Beside) => void;
  /** Prints the object where it is asked for; the process fails when a goal is missed. */
  readonly finish: () => void;
}

const shown = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 3 : 1 });

const figureOf = (value: number, unit: string, { baseline, goal }: Beside): Figure => {
  const ratio = baseline === undefined || baseline === null ? null : value / baseline;
  const measured = ratio ?? value;
  const ok =
    goal === undefined || goal === null
      ? null
      : measured >= (goal.least ?? -Infinity) && measured <= (goal.most ?? Infinity);
  return { value, unit, baseline: baseline ?? null, ratio, goal: goal ?? null, ok };
};

const lineOf = (name: string, { value, unit, baseline, ratio, goal, ok }: Figure): string => {
  const parts = [name.padEnd(52), shown(value).padStart(12), unit.padEnd(10)];
  if (baseline !== null && ratio !== null)
    parts.push(`${ratio.toFixed(2)} × ${shown(baseline)}`.padEnd(20));
  if (goal !== null) {
    const bounds = [
      ...(goal.least === undefined ? [] : [`≥ ${shown(goal.least)}`]),
      ...(goal.most === undefined ? [] : [`≤ ${shown(goal.most)}`]),
    ];
    parts.push(`${bounds.join(", ")} ${ok === true ? "✓" : "✗"}`);
  }
  return parts.join(" ").trimEnd();
};

export const createFigures = (): Figures => {
  const figures: Record<string, Figure> = {};
  return {
    note: (name, value, unit, beside = {}) => {
      const figure = figureOf(value, unit, beside);
      figures[name] = figure;
      console.log(lineOf(name, figure));
    },
    finish: () => {
      if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
      if (Object.values(figures).some(({ ok }) => ok === false)) process.exitCode = 1;
    },
  };
};
