/** The demo's job: the settings that reach about 96 % on held-out digits in 8 epochs (`scripts/bench/mnist-mlp.ts`). */
export const digitsJobFile = (
  data: string,
): string => `# The demo's job. \`assay init\` writes one to start from.
name: digits
model:
  preset: mlp
  hidden: [128]
  activation: relu
  initialScale: 0.5
optimizer:
  kind: sgd
  learningRate: 0.1
  momentum: 0.9
  weightDecay: 0.001
  schedule: { kind: cosine, warmup: 125 }
batch: 32
epochs: 8
checkpointEvery: 50     # paid for, and resumed from, piece by piece
seed: 7                 # the same seed, program and data give the same model, bit for bit, anywhere
data: ${data}
limits:
  maximum: '2.00'       # the most this job may cost, fees included
  runTime: 300          # seconds from agreement to submission
constraints:
  regions: [eu-central, eu-west]
  weights: { price: 1, time: 0, reputation: 0, carbon: 0 }
`;
