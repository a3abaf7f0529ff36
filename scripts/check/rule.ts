/** One place where a rule does not hold; `file` is relative to the root. */
export type Finding = { file?: string; line?: number; message: string };

/** A rule looks at a tree and says where it is broken. It takes the root so that tests can give it small trees. */
export type Rule = {
  name: string;
  /** What to do about a finding. */
  remedy: string;
  find: (root: string) => Promise<Finding[]>;
};

/** `file:line: message`, as editors and terminals make it clickable. */
export const formatFinding = ({ file, line, message }: Finding): string => {
  const place = [file, line].filter((part) => part !== undefined).join(":");
  return place === "" ? message : `${place}: ${message}`;
};
