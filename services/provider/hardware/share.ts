/** How jobs that run at once slow each other down. */

/** Cores of the machine, and what each job may use of them. */
export interface Cores {
  readonly cores: number;
  /** Of one job. */
  readonly threads: number;
}

/** Share of the speed alone that each of `jobs` has when they run at once. */
export const shareOf = ({ cores, threads }: Cores, jobs: number): number =>
  Math.min(1, cores / (threads * Math.max(1, jobs)));

/** How many times as long a job takes once every place is taken as it does beside those that run when it is measured. */
export const crowding = (of: Cores, running: number, capacity: number): number =>
  shareOf(of, Math.min(running, capacity)) / shareOf(of, capacity);
