import { setFlagsFromString } from "node:v8";
import { AssayError } from "@assay/protocol/errors";
import type { Backend, Execution, Inputs, Words } from "../backend.ts";
import { checkInputs, checkLoad, checkRun } from "../inputs.ts";
import { checkProgram } from "../ir/check.ts";
import { elements } from "../ir/shape.ts";
import type { Program } from "../ir/types.ts";
import { compile, type Compiled, type CompileReport } from "./compile.ts";
import { NARROW_TILE, WIDE_TILE } from "./microkernel.ts";
import { instantiate, type WasmExports } from "./runtime.ts";

/** An execution that also says what the compiler made of the program. */
export interface WasmExecution extends Execution {
  readonly report: CompileReport;
}

class WasmRun implements WasmExecution {
  readonly report: CompileReport;
  private readonly program: Program;
  private readonly plan: Compiled["plan"];
  private module: WasmExports | null;
  private done = 0;

  constructor(program: Program, compiled: Compiled, exports: WasmExports, inputs: Inputs) {
    this.program = program;
    this.plan = compiled.plan;
    this.report = compiled.report;
    this.module = exports;
    exports.seedLow.value = Number(BigInt.asIntN(32, inputs.seed));
    exports.seedHigh.value = Number(BigInt.asIntN(32, inputs.seed >> 32n));
    inputs.data.forEach((words, i) => this.view(this.plan.data[i], words.length).set(words));
    inputs.parent.forEach((words, i) => this.view(this.plan.parent[i], words.length).set(words));
  }

  get position(): number {
    return this.done;
  }

  init(): void {
    const module = this.open();
    this.done = 0;
    module.step.value = 0;
    module.runInit();
  }

  load(state: readonly Words[], position: number): void {
    checkLoad(this.program, state, position);
    state.forEach((words, i) => this.view(this.plan.state[i], words.length).set(words));
    this.done = position;
  }

  run(count: number): void {
    checkRun(this.program, this.done, count);
    const module = this.open();
    for (let i = 0; i < count; i++) {
      module.step.value = this.done;
      module.runStep();
      this.done += 1;
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
    const module = this.open();
    module.step.value = this.done;
    module.runEval();
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
    return this.view(address, words).slice();
  }

  private view(address: number | undefined, words: number): Uint32Array<ArrayBuffer> {
    if (address === undefined) throw new RangeError("the tensor has no place in memory");
    return new Uint32Array(this.open().memory.buffer, address, words);
  }
}

export interface WasmOptions {
  /**
   * `wide` asks V8 to join neighbouring 128-bit operations into 256-bit ones, on processors that have them, for the
   * whole process (a flag that V8 still calls experimental). The bits are the same; contractions are nearly twice as
   * fast.
   */
  readonly lanes: "narrow" | "wide";
}

export interface WasmBackend extends Backend {
  prepare(program: Program, inputs: Inputs): Promise<WasmExecution>;
}

/** A back end that compiles to WebAssembly SIMD. `prepare` throws what `checkProgram` and `checkInputs` throw. */
export const createWasmBackend = ({ lanes }: WasmOptions): WasmBackend => ({
  name: lanes === "wide" ? "wasm-wide" : "wasm",
  prepare: async (program, inputs) => {
    checkProgram(program);
    checkInputs(program, inputs);
    if (lanes === "wide") setFlagsFromString("--experimental-wasm-revectorize");
    const compiled = compile(program, lanes === "wide" ? WIDE_TILE : NARROW_TILE);
    return new WasmRun(program, compiled, await instantiate(compiled.bytes), inputs);
  },
});

/** The fast back end for any CPU, with nothing but standard features. */
export const wasmBackend = createWasmBackend({ lanes: "narrow" });
/** The same with 256-bit lanes. */
export const wideWasmBackend = createWasmBackend({ lanes: "wide" });
