/** Where ONNX Runtime's wasm is. It is set before the runtime is loaded, which may be never. */

let wasmPaths: string | undefined;

/** A folder's URL ending in '/'; without it the runtime finds its wasm, as in Node. */
export function configureOrt(place: { readonly wasmPaths: string | undefined }): void {
  ({ wasmPaths } = place);
}

export const ortPlace = (): string | undefined => wasmPaths;
