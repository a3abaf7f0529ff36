/** The job files that `assay init` writes: runnable as they are, every field explained. */
import type { PresetName } from "./models.ts";

export interface TemplateOptions {
  readonly name: string;
  /** The data file, relative to the job file. */
  readonly data: string;
  readonly preset: PresetName;
  /** Widths of the hidden layers, for `mlp`. */
  readonly hidden?: readonly number[];
  readonly batch: number;
  readonly epochs: number;
  readonly checkpointEvery: number;
  readonly learningRate: number;
  readonly maximum: string;
}

const CLASSIFIER_DATA =
  "train.x (f32 [rows, inputs]), train.y (i32 [rows]) and heldout.x, heldout.y";

/** What differs between presets: the lines of `model:`, and the columns a data file has. */
const MODELS: Record<
  PresetName,
  { readonly data: string; readonly text: (options: TemplateOptions) => string }
> = {
  mlp: {
    data: CLASSIFIER_DATA,
    text: ({
      hidden = [32, 32],
    }) => `# The model: a multi-layer perceptron from the columns of train.x to the classes of train.y.
model:
  preset: mlp
  hidden: [${hidden.join(", ")}]     # widths of the hidden layers
  activation: relu    # relu, gelu, tanh, sigmoid or silu
  # dropout: 0.1      # of hidden units; inputDropout: of a row's features`,
  },
  cnn: {
    data: CLASSIFIER_DATA,
    text: () => `# The model: a convolutional network. A row of train.x is an image: rows of pixels, a pixel's channels side by side.
model:
  preset: cnn
  # image: [28, 28, 1]      # height, width, channels; here the data set's metadata say it
  blocks:                   # or \`lenet\` (for 28x28), or { resnet: { stages: [16, 32], depth: 1 } }
    - { kind: convolution, filters: 8, size: 3, padding: 1 }    # also stride, dilation, groups, batchNorm
    - { kind: maxPool, size: 2 }                                # or averagePool, globalPool, residual
    - { kind: convolution, filters: 16, size: 3, padding: 1 }
    - { kind: maxPool, size: 2 }
  hidden: [32]              # widths of the dense layers after the blocks
  activation: relu          # relu, gelu, tanh, sigmoid or silu
  # dropout: 0.1`,
  },
  "transformer-lm": {
    data: "train.tokens and heldout.tokens (i32 [tokens])",
    text: () => `# The model: a decoder-only transformer that predicts each token from the ones before it.
model:
  preset: transformer-lm
  context: 32         # tokens that a prediction can look back on
  width: 32
  layers: 2
  heads: 2            # divides the width
  activation: gelu    # relu, gelu, tanh, sigmoid or silu
  # inner: 128        # width inside a feed-forward layer; four times the width when not given
  # dropout: 0.1`,
  },
};

export const jobFileTemplate = (options: TemplateOptions): string => `# A training job for Assay.
#   assay quote job.yaml    what it would cost; commits nothing
#   assay run job.yaml      asks once, signs, trains, fetches the model
name: ${options.name}

${MODELS[options.preset].text(options)}

# Start from a model of the market, and train only a part of it. All optional.
# tuning:
#   parent: ../first/model/model.safetensors   # parameters of the same name start from its values
#   fresh: [layer2]                            # but these are drawn anew
#   freeze: [layer1]                           # and these stay as they are
#   lora: { rank: 8, targets: [query, value] } # or: train low-rank adapters of these layers alone

# kind: sgd (learningRate, momentum) or adamw (learningRate, beta1, beta2, epsilon, weightDecay)
optimizer: { kind: adamw, learningRate: ${options.learningRate} }
batch: ${options.batch}
epochs: ${options.epochs}            # passes over the training data; or \`steps: 1000\`
# evaluateAtMost: 1000   # held-out rows (or runs of tokens) that evaluation reads, for very large data; default: all

# Steps between two checkpoints. Work is paid for, and can be resumed, checkpoint by checkpoint.
checkpointEvery: ${options.checkpointEvery}

# The key of all randomness: the same seed, program and data give the same model, bit for bit, anywhere.
seed: 7

# A safetensors file with ${MODELS[options.preset].data}.
# Note: data, program and model of a public job can be read by anyone.
data: ${options.data}

limits:
  maximum: '${options.maximum}'     # the most you can lose by this job, fees included
  runTime: 600        # seconds from agreement to submission
  patience: 300       # seconds the market may look for a provider
  # minCollateral: '2.00'   # what the provider must lock
  # statedLoss: '0.00'      # the damage a wrong result would do you
  # audit: '0.50'           # for auditors drawn by chance who run it again; back to you where nobody is drawn

# Which providers will do. All optional; \`assay quote\` says what each one costs you.
constraints:
  # regions: [eu-central, eu-west]
  # minCpuCores: 4
  # minReputation: 5000     # basis points
  # maxSeconds: 120         # at the provider's measured speed
  weights: { price: 1, time: 0, reputation: 0, carbon: 0 }
`;
