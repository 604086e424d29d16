/** Where the store's memory comes from: fixed-size buffers, never grown or moved once handed out. */

/** Makes a zeroed buffer of `bytes`. */
export type Allocate = (bytes: number) => ArrayBufferLike;

/** Memory of this thread alone. */
export const allocatePrivate: Allocate = (bytes) => new ArrayBuffer(bytes);
