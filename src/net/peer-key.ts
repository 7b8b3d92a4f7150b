/** The key that identifies a peer. A seed stores it, so that its address survives a restart. */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';

/** A fresh Ed25519 key as bytes (libp2p's protobuf form): secret, to be kept by the caller. */
export const newPrivateKey = async (): Promise<Uint8Array> =>
  privateKeyToProtobuf(await generateKeyPair('Ed25519'));

/** The peer id text of a key's bytes. */
export const peerIdOfKey = (privateKey: Uint8Array): string =>
  peerIdFromPrivateKey(privateKeyFromProtobuf(privateKey)).toString();
