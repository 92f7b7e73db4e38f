package cumulo

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	identityv1 "cumulo/clients/go/api/identity/v1"
)

// tokenTTL is asked for with each token; a token is renewed when a fifth of it is left, so that none ends in mid-air and a
// server that cannot be reached for a while is no error yet.
const (
	tokenTTL     = 15 * time.Minute
	tokenRenewal = tokenTTL * 4 / 5
)

// proof is HMAC-SHA256 under the secret over the canonical string that identity.proto gives at IssueTokenRequest.
func proof(accessKeyID, secretAccessKey string, timestampMs int64, nonce []byte, ttlS int32) []byte {
	mac := hmac.New(sha256.New, []byte(secretAccessKey))
	fmt.Fprintf(mac, "cumulo-token-v1\n%s\n%d\n%x\n%d", accessKeyID, timestampMs, nonce, ttlS)
	return mac.Sum(nil)
}

// tokenCredentials attaches `authorization: Bearer ...` to each call; it implements credentials.PerRPCCredentials.
type tokenCredentials struct {
	config   Config
	identity identityv1.IdentityServiceClient
	turn     chan struct{} // holds one element; who has it may read and write the fields below
	token    string
	issued   time.Time // with its monotonic part: jumps of the system clock renew nothing
}

func newTokenCredentials(config Config, identity identityv1.IdentityServiceClient) *tokenCredentials {
	t := &tokenCredentials{config: config, identity: identity, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// GetRequestMetadata answers the header with a token that is valid, asking for a new one first where that is due.
func (t *tokenCredentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t.token == "" || time.Since(t.issued) >= tokenRenewal {
		if err := t.renew(ctx); err != nil && (t.token == "" || time.Since(t.issued) >= tokenTTL) {
			return nil, err
		}
	}
	return map[string]string{"authorization": "Bearer " + t.token}, nil
}

// RequireTransportSecurity answers whether the caller asked for TLS: a token may then never leave without it.
func (t *tokenCredentials) RequireTransportSecurity() bool {
	return t.config.TLS != nil
}

func (t *tokenCredentials) renew(ctx context.Context) error {
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails: the runtime ends the process instead
	now, ttlS := time.Now(), int32(tokenTTL/time.Second)
	answer, err := t.identity.IssueToken(ctx, &identityv1.IssueTokenRequest{
		AccessKeyId: t.config.AccessKeyID,
		TimestampMs: now.UnixMilli(),
		Nonce:       nonce,
		TtlS:        ttlS,
		Proof:       proof(t.config.AccessKeyID, t.config.SecretAccessKey, now.UnixMilli(), nonce, ttlS),
	})
	if err != nil {
		return err
	}
	t.token, t.issued = answer.GetToken(), now
	return nil
}
