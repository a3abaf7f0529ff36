/** Convolution and pooling over `[n, height, width, channels]`, the layout whose channels lie side by side. */
import { at } from "../builder/access.ts";
import { add, concat, mul, select } from "../builder/elementwise.ts";
import { type F32, graphError, integer, materialise } from "../builder/graph.ts";
import { contract, largest, mean, sum } from "../builder/reduce.ts";
import { pad, reshape, slice, windows } from "../builder/views.ts";
import { type Initializer, kaimingUniform, zeros } from "./initial.ts";
import type { Layer, Model } from "./layers.ts";

export interface Conv2dOptions {
  readonly stride?: number;
  /** Zeros on each side, in both directions. */
  readonly padding?: number;
  readonly dilation?: number;
  /** Parts that channels and filters are divided into; a filter sees only the channels of its part. */
  readonly groups?: number;
}

/** With zeros around height and width, copied so that no term needs a guard. */
const padded = (x: F32, padding: number): F32 =>
  padding === 0 ? x : materialise(pad(pad(x, 1, padding, padding), 2, padding, padding));

/**
 * Cross-correlation of x `[n, h, w, c]` with filters `[kh, kw, c/groups, k]`: `[n, oh, ow, k]`, without bias. Stride is
 * an access pattern; the gradient of a strided one puts zeros between the output's gradients (Dumoulin and
 * Visin, 2016, relationship 14).
 */
export const conv2d = (x: F32, filters: F32, options: Conv2dOptions = {}): F32 => {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const [kh, kw, width, count] = filters.shape as [number, number, number, number];
  const channels = at(x.shape, 3);
  if (filters.shape.length !== 4 || channels !== width * groups || count % groups !== 0)
    throw graphError(
      `filters [${filters.shape.join()}] in ${groups} groups on [${x.shape.join()}]`,
    );
  const side = { stride, dilation };
  const view = windows(windows(padded(x, padding), 2, { size: kw, ...side }), 1, {
    size: kh,
    ...side,
  });
  if (groups === 1) return contract("nhiwjc,ijck->nhwk", view, filters);
  if (width === 1 && count === channels)
    return contract("nhiwjc,ijc->nhwc", view, reshape(filters, [kh, kw, channels]));
  const each = count / groups;
  return concat(
    Array.from({ length: groups }, (_, g) =>
      contract(
        "nhiwjc,ijck->nhwk",
        slice(view, 5, g * width, width),
        slice(filters, 3, g * each, each),
      ),
    ),
    3,
  );
};

export interface ConvolutionOptions extends Conv2dOptions {
  readonly channels: number;
  readonly filters: number;
  /** Height and width of a filter. */
  readonly size: number;
  readonly initializer?: Initializer;
  readonly bias?: boolean;
}

/** {@link conv2d} with filters and a bias per filter as parameters. */
export const convolution = (model: Model, name: string, options: ConvolutionOptions): Layer => {
  const { channels, filters, size, groups = 1, bias = true } = options;
  const { initializer = kaimingUniform() } = options;
  const area = size * size;
  const w = model.weight(
    `${name}.weight`,
    [size, size, channels / groups, filters],
    { in: (area * channels) / groups, out: (area * filters) / groups },
    initializer,
  );
  const b = bias ? model.offset(`${name}.bias`, zeros([filters])) : null;
  return (x) => {
    const y = conv2d(x, w, options);
    return b ? add(y, b) : y;
  };
};

export interface PoolOptions {
  readonly size: number;
  /** The size when not given. */
  readonly stride?: number | undefined;
  readonly padding?: number | undefined;
}

/** Windows of one axis reduced, then of the other: same extremes, and never more than four dimensions. */
const pool = (x: F32, options: PoolOptions, reduce: (view: F32, axis: number) => F32): F32 => {
  const { size, stride = size, padding = 0 } = options;
  const side = { size, stride, before: padding, after: padding };
  return [2, 1].reduce((y, axis) => reduce(windows(y, axis, side), axis + 1), x);
};

/** Largest element of each window; padding never wins. Elements that tie share the gradient. */
export const maxPool2d = (x: F32, options: PoolOptions): F32 =>
  pool(x, options, (view, axis) => {
    const inside = { ...integer(1, view.shape), bounds: view.bounds };
    const open = view.bounds.length > 0 ? select(inside, view, -Infinity) : view;
    return largest(open, { axes: [axis] });
  });

/** Mean of each window, zeros of the padding counted. */
export const averagePool2d = (x: F32, options: PoolOptions): F32 =>
  mul(
    pool(x, options, (view, axis) => sum(view, { axes: [axis] })),
    1 / options.size ** 2,
  );

/** Mean over height and width: `[n, channels]`. */
export const globalAveragePool = (x: F32): F32 => mean(x, { axes: [1, 2] });
