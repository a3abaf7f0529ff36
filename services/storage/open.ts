/** Ready-made content stores. */
import { cachedBlocks } from "./cached.ts";
import { contentStore, type ContentStore } from "./content.ts";
import { fileSystemBlocks } from "./file-system.ts";
import { gatewayBlocks } from "./gateway.ts";

export interface OpenOptions {
  /** Folder of the local store. */
  readonly folder: string;
  /** Gateway to fetch what is missing from and to upload to. */
  readonly gatewayUrl?: string | undefined;
}

/** A store in a local folder, in front of a gateway if one is given. */
export const openContentStore = async ({
  folder,
  gatewayUrl,
}: OpenOptions): Promise<ContentStore> => {
  const local = await fileSystemBlocks(folder);
  return contentStore(
    gatewayUrl === undefined ? local : cachedBlocks(local, gatewayBlocks({ url: gatewayUrl })),
  );
};
