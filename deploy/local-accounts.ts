/**
 * Accounts of a local chain: those that Hardhat and anvil fund at genesis, from the mnemonic that everybody knows. Never use
 * them on a chain where money counts.
 */
import { HDNodeWallet, Mnemonic } from "ethers";

const MNEMONIC = Mnemonic.fromPhrase("test test test test test test test test test test test junk");

/** Private key of the funded account at this place, 0 to 19. */
export const localKey = (place: number): `0x${string}` =>
  HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${place}`).privateKey as `0x${string}`;

/** Deploys first of all, so that addresses are the same on every fresh local chain. */
export const LOCAL_DEPLOYER_KEY = localKey(0);
