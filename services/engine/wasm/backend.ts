import { AssayError } from "@assay/protocol/errors";
import type { Backend, Execution, Inputs, Words } from "../backend.ts";
import { checkInputs, checkLoad, checkRun } from "../inputs.ts";
import { stageColumns, type StagedProgram } from "../columns/program.ts";
import { checkProgram } from "../ir/check.ts";
import { elements } from "../ir/shape.ts";
import type { OpList, Program } from "../ir/types.ts";
import { Feeder } from "../reference/feed.ts";
import { compileCached } from "./cache.ts";
import type { Compiled, CompileReport } from "./compile.ts";
import { LEAST_WORK } from "./parallel.ts";
import { instantiate, sharedMemory, type WasmExports } from "./runtime.ts";
import { MOST_THREADS, tileOf, turnOnWideLanes, type EngineSettings } from "./settings.ts";
import { LIST_NUMBERS, runList, Team } from "./team.ts";

/** An execution that also says what the compiler made of the program. */
export interface WasmExecution extends Execution {
  readonly report: CompileReport;
}

class WasmRun implements WasmExecution {
  readonly report: CompileReport;
  private readonly program: Program;
  private readonly plan: Compiled["plan"];
  private module: WasmExports | null;
  private readonly team: Team | null;
  private readonly feeder: Feeder | undefined;
  private done = 0;

  constructor(
    program: Program,
    compiled: Compiled,
    exports: WasmExports,
    inputs: Inputs,
    staged: StagedProgram | undefined,
    team: Team | null,
  ) {
    this.team = team;
    this.program = program;
    this.plan = compiled.plan;
    this.report = compiled.report;
    this.module = exports;
    const { low, high } = seedWords(inputs.seed);
    exports.seedLow.value = low;
    exports.seedHigh.value = high;
    const columns = staged?.inMemory ?? [...inputs.data.keys()];
    columns.forEach((column, i) => {
      const words = inputs.data[column] as Words;
      this.view(this.plan.data[i], words.length).set(words);
    });
    inputs.parent.forEach((words, i) => this.view(this.plan.parent[i], words.length).set(words));
    this.feeder =
      staged &&
      new Feeder(staged, inputs, ({ kind, index }) =>
        this.view(this.plan[kind][index], elements(program[kind][index]?.shape ?? [])),
      );
  }

  get position(): number {
    return this.done;
  }

  init(): void {
    this.done = 0;
    this.together("init", 0, 1);
  }

  load(state: readonly Words[], position: number): void {
    checkLoad(this.program, state, position);
    state.forEach((words, i) => this.view(this.plan.state[i], words.length).set(words));
    this.done = position;
  }

  run(count: number): void {
    checkRun(this.program, this.done, count);
    this.together("step", this.done, count);
    this.done += count;
  }

  /** Runs a list on all threads. */
  private together(list: OpList, from: number, count: number): void {
    const module = this.open();
    if (count === 0) return;
    if (this.feeder === undefined) {
      this.team?.tell(list, from, count);
      runList(module, LIST_NUMBERS[list], from, count);
      return;
    }
    for (let i = 0; i < count; i++) {
      this.feeder.feed(list, from + i);
      this.team?.tell(list, from + i, 1);
      runList(module, LIST_NUMBERS[list], from + i, 1);
    }
  }

  state(): Words[] {
    return this.program.state.map((_, index) => this.read(index));
  }

  read(index: number): Words {
    const tensor = this.program.state[index];
    if (tensor === undefined) throw new RangeError(`no state tensor ${String(index)}`);
    return this.copy(this.plan.state[index], elements(tensor.shape), tensor.dtype === "f32");
  }

  evaluate(): Words[] {
    this.together("eval", this.done, 1);
    return this.program.outputs.map(({ op }) => {
      const type = this.program.eval[op]?.out;
      if (type === undefined) throw new RangeError(`no evaluation op ${String(op)}`);
      return this.copy(
        this.plan.lists.eval.values.get(op),
        elements(type.shape),
        type.dtype === "f32",
      );
    });
  }

  close(): void {
    this.feeder?.close();
    this.team?.close();
    this.module = null;
  }

  private open(): WasmExports {
    if (this.module === null)
      throw new AssayError("ENGINE_CLOSED", "the execution is closed", {
        remedy: "Prepare the program again.",
      });
    return this.module;
  }

  private copy(address: number | undefined, words: number, float: boolean): Words {
    if (float && address !== undefined) this.open().canonicalise(address, words);
    return Uint32Array.from(this.view(address, words));
  }

  private view(address: number | undefined, words: number): Words {
    if (address === undefined) throw new RangeError("the tensor has no place in memory");
    const { buffer } = this.open().memory;
    return new Uint32Array(buffer as ArrayBuffer, address, words);
  }
}

export interface WasmOptions extends Pick<EngineSettings, "lanes"> {
  /** 1 when not given. */
  readonly threads?: number;
  /** Evaluations below which one thread runs a kernel alone. */
  readonly leastWork?: number;
}

const seedWords = (seed: bigint): { readonly low: number; readonly high: number } => ({
  low: Number(BigInt.asIntN(32, seed)),
  high: Number(BigInt.asIntN(32, seed >> 32n)),
});

export interface WasmBackend extends Backend {
  prepare(program: Program, inputs: Inputs): Promise<WasmExecution>;
}

/** A back end that compiles to WebAssembly SIMD. `prepare` throws what `checkProgram` and `checkInputs` throw. */
export const createWasmBackend = ({
  lanes,
  threads = 1,
  leastWork = LEAST_WORK,
}: WasmOptions): WasmBackend => {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new RangeError(`cannot run on ${threads} threads`);
  return {
    name: `${lanes === "wide" ? "wasm-wide" : "wasm"}${threads > 1 ? `-${threads}` : ""}`,
    prepare: async (original, inputs) => {
      checkProgram(original);
      checkInputs(original, inputs);
      const staged = stageColumns(original, inputs.data);
      const program = staged?.program ?? original;
      if (lanes === "wide") turnOnWideLanes();
      const division = { count: threads, leastWork };
      const compiled = await compileCached(program, tileOf(lanes), division);
      const { module, plan } = compiled;
      if (compiled.threads === 1)
        return new WasmRun(program, compiled, await instantiate(module), inputs, staged, null);
      const memory = sharedMemory(plan.pages);
      const { low: seedLow, high: seedHigh } = seedWords(inputs.seed);
      const member = { module, memory, control: plan.control, seedLow, seedHigh };
      const team = await Team.start(compiled.threads, member);
      return new WasmRun(
        program,
        compiled,
        await instantiate(module, memory),
        inputs,
        staged,
        team,
      );
    },
  };
};

/** The fast back end for any CPU, with nothing but standard features. */
export const wasmBackend = createWasmBackend({ lanes: "narrow" });
/** The same with 256-bit lanes. */
export const wideWasmBackend = createWasmBackend({ lanes: "wide" });
