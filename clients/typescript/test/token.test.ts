import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { proof } from "../src/token.js";

interface Vector {
  access_key_id: string;
  secret_access_key: string;
  timestamp_ms: number;
  nonce_hex: string;
  ttl_s: number;
  proof_hex: string;
}

test("the proof is the one of the contract's vectors", () => {
  const file = new URL("../../../../protos/cumulo/api/identity/v1/token_proof_vectors.json", import.meta.url);
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

  assert.notEqual(vectors.length, 0);
  for (const v of vectors) {
    const key = { accessKeyId: v.access_key_id, secretAccessKey: v.secret_access_key };
    const got = proof(key, BigInt(v.timestamp_ms), Buffer.from(v.nonce_hex, "hex"), v.ttl_s);
    assert.equal(got.toString("hex"), v.proof_hex);
  }
});
