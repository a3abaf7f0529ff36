/** The one function that is used of this package, which brings no types. */
declare module "secp256k1" {
  /** The public key (65 bytes, or 33 if compressed) that made a 64-byte signature; throws if there is none. */
  function ecdsaRecover(
    signature: Uint8Array,
    recovery: number,
    message: Uint8Array,
    compressed?: boolean,
  ): Uint8Array;
  const secp256k1: { readonly ecdsaRecover: typeof ecdsaRecover };
  export default secp256k1;
}
