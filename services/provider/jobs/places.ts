/** The places that jobs run in: as many as the capacity. */
export interface Places {
  readonly capacity: number;
  readonly taken: number;
  readonly free: number;
  /** Takes a place, free or not; the function returned frees it, once. */
  take(): () => void;
}

export const createPlaces = (capacity: number, onChange: () => void = () => undefined): Places => {
  let taken = 0;
  return {
    capacity,
    get taken() {
      return taken;
    },
    get free() {
      return Math.max(0, capacity - taken);
    },
    take: () => {
      let held = true;
      taken++;
      onChange();
      return () => {
        if (!held) return;
        held = false;
        taken--;
        onChange();
      };
    },
  };
};
