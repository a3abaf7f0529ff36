/** The job file that `assay init` writes: runnable as it is, every field explained. */
export interface TemplateOptions {
  readonly name: string;
  readonly data: string;
  readonly hidden: readonly number[];
  readonly batch: number;
  readonly epochs: number;
  readonly checkpointEvery: number;
  readonly learningRate: number;
  readonly maximum: string;
}

export const jobFileTemplate = (options: TemplateOptions): string => `# A training job for Assay.
#   assay quote job.yaml    what it would cost; commits nothing
#   assay run job.yaml      asks once, signs, trains, fetches the model
name: ${options.name}

# The model: a multi-layer perceptron from the columns of train.x to the classes of train.y.
model:
  preset: mlp
  hidden: [${options.hidden.join(", ")}]     # widths of the hidden layers
  activation: relu    # relu, gelu, tanh, sigmoid or silu
  # dropout: 0.1

# kind: sgd (learningRate, momentum) or adamw (learningRate, beta1, beta2, epsilon, weightDecay)
optimizer: { kind: adamw, learningRate: ${options.learningRate} }
batch: ${options.batch}
epochs: ${options.epochs}

# Steps between two checkpoints. Work is paid for, and can be resumed, checkpoint by checkpoint.
checkpointEvery: ${options.checkpointEvery}

# The key of all randomness: the same seed, program and data give the same model, bit for bit, anywhere.
seed: 7

# A safetensors file with train.x (f32 [rows, inputs]), train.y (i32 [rows]) and heldout.x, heldout.y.
# Note: data, program and model of a public job can be read by anyone.
data: ${options.data}

limits:
  maximum: '${options.maximum}'     # the most you can lose by this job, fees included
  runTime: 600        # seconds from agreement to submission
  patience: 300       # seconds the market may look for a provider
  # minCollateral: '2.00'   # what the provider must lock
  # statedLoss: '0.00'      # the damage a wrong result would do you

# Which providers will do. All optional; \`assay quote\` says what each one costs you.
constraints:
  # regions: [eu-central, eu-west]
  # minCpuCores: 4
  # minReputation: 5000     # basis points
  # maxSeconds: 120         # at the provider's measured speed
  weights: { price: 1, time: 0, reputation: 0, carbon: 0 }
`;
