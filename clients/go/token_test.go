package cumulo

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

func TestProofIsTheOneOfTheContractsVectors(t *testing.T) {
	text, err := os.ReadFile("../../protos/cumulo/api/identity/v1/token_proof_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
		TimestampMs     int64  `json:"timestamp_ms"`
		NonceHex        string `json:"nonce_hex"`
		TTLS            int32  `json:"ttl_s"`
		ProofHex        string `json:"proof_hex"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range vectors {
		nonce, err := hex.DecodeString(v.NonceHex)
		if err != nil {
			t.Fatal(err)
		}
		got := hex.EncodeToString(proof(v.AccessKeyID, v.SecretAccessKey, v.TimestampMs, nonce, v.TTLS))
		if got != v.ProofHex {
			t.Errorf("proof at %d is %s, want %s", v.TimestampMs, got, v.ProofHex)
		}
	}
}
