/** A loop nest after merging: `kept[d]` is the original dimension whose stride the merged dimension `d` has. */
export interface Collapsed {
  readonly extents: readonly number[];
  readonly kept: readonly number[];
}

/**
 * Merges neighbouring dimensions that every stride list walks as one (`stride[d] = stride[d+1] · extent[d+1]`) and drops
 * dimensions of extent 1: fewer loops and a longer innermost one. `barriers` are positions (dimension numbers) before
 * which no merge may reach back.
 */
export const collapse = (
  extents: readonly number[],
  strideLists: readonly (readonly number[])[],
  barriers: readonly number[] = [],
): Collapsed => {
  const out: { extent: number; kept: number }[] = [];
  let barred = false;
  extents.forEach((extent, d) => {
    if (barriers.includes(d)) barred = true;
    if (extent === 1) return;
    const last = out.at(-1);
    const joins =
      last !== undefined &&
      !barred &&
      strideLists.every((strides) => (strides[last.kept] ?? 0) === (strides[d] ?? 0) * extent);
    if (joins) {
      last.extent *= extent;
      last.kept = d;
    } else {
      out.push({ extent, kept: d });
    }
    barred = false;
  });
  return { extents: out.map((o) => o.extent), kept: out.map((o) => o.kept) };
};

/** Stride list in the merged dimensions. */
export const project = (collapsed: Collapsed, strides: readonly number[]): number[] =>
  collapsed.kept.map((d) => strides[d] ?? 0);

/** Strides of a dense row-major tensor. */
export const rowMajor = (shape: readonly number[]): number[] => {
  const strides = shape.map(() => 0);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d] ?? 1;
  }
  return strides;
};
