/** What commands share: the global options and the session they open. */
import type { Command } from "commander";
import { openSession, type DefaultKey, type GlobalOptions, type Session } from "../home/session.ts";

/** Requester's commands sign with the requester's key of `assay up`. */
export const asRequester: DefaultKey = (network) => network.keys.requester;

/** Provider's commands sign with the provider's key that `assay up` keeps for its user. */
export const asProvider: DefaultKey = (network) => network.keys.provider;

/** The watcher's commands sign with the key that `assay up` keeps for one of its user's. */
export const asWatcher: DefaultKey = (network) => network.keys.watcher;

/** Opens the session of a command from its own and the global options. */
export const sessionOf = (command: Command, key: DefaultKey = asRequester): Promise<Session> =>
  openSession(command.optsWithGlobals<GlobalOptions>(), key);

/** Token that amounts are printed in. */
export const tokenOf = async (session: Session): Promise<{ symbol: string; decimals: number }> =>
  (await session.reader.context.deployment()).token;

/** Seconds without a sign of life after which a provider that is offline is given up, unless told. */
export const GIVE_UP_SECONDS = 120;
