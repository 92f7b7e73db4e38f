// Package cumulo is the Go client of Cumulo: the generated stubs behind one connection that authenticates itself.
//
// It owns the connection, the bearer token (obtained by a proof of the access key and renewed before it ends), and the
// framing of object uploads and downloads. It promises that the secret access key never leaves the process. It knows no
// retries and no deadlines: those are the caller's, by context and grpc.DialOption.
package cumulo

import (
	"crypto/tls"
	"errors"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	identityv1 "cumulo/clients/go/api/identity/v1"
	objectsv1 "cumulo/clients/go/api/objects/v1"
	queuev1 "cumulo/clients/go/api/queue/v1"
	runnerv1 "cumulo/clients/go/api/runner/v1"
)

// Config says where the server is and who calls.
type Config struct {
	// Target is the server's gRPC endpoint, host:port or any target that grpc.NewClient takes.
	Target string
	// AccessKeyID is the public half of the access key.
	AccessKeyID string
	// SecretAccessKey signs the proofs and is never sent.
	SecretAccessKey string
	// TLS secures the connection. Nil means plain text, for a server on the loopback interface.
	TLS *tls.Config
}

// ConfigFromEnv reads CUMULO_TARGET, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as `cumulo env` prints them.
func ConfigFromEnv() Config {
	return Config{
		Target:          os.Getenv("CUMULO_TARGET"),
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
	}
}

// Client holds the stubs of all services over one connection. It is safe for concurrent use.
type Client struct {
	Queues   queuev1.QueueServiceClient
	Objects  objectsv1.ObjectServiceClient
	Identity identityv1.IdentityServiceClient
	Runner   runnerv1.RunnerServiceClient

	connection *grpc.ClientConn // carries a token with every call
	anonymous  *grpc.ClientConn // carries IssueToken alone, which would otherwise wait for itself
}

// Open makes a client; nothing is sent before the first call. Options are added to both of its connections.
func Open(config Config, options ...grpc.DialOption) (*Client, error) {
	if config.Target == "" || config.AccessKeyID == "" || config.SecretAccessKey == "" {
		return nil, errors.New("cumulo: target, access key id and secret access key are required (see `cumulo env`)")
	}
	transport := insecure.NewCredentials()
	if config.TLS != nil {
		transport = credentials.NewTLS(config.TLS)
	}
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(transport)}, options...)
	anonymous, err := grpc.NewClient(config.Target, options...)
	if err != nil {
		return nil, err
	}
	token := newTokenCredentials(config, identityv1.NewIdentityServiceClient(anonymous))
	connection, err := grpc.NewClient(config.Target, append(options, grpc.WithPerRPCCredentials(token))...)
	if err != nil {
		return nil, errors.Join(err, anonymous.Close())
	}
	return &Client{
		Queues:     queuev1.NewQueueServiceClient(connection),
		Objects:    objectsv1.NewObjectServiceClient(connection),
		Identity:   identityv1.NewIdentityServiceClient(connection),
		Runner:     runnerv1.NewRunnerServiceClient(connection),
		connection: connection,
		anonymous:  anonymous,
	}, nil
}

// Close ends all calls and the connection.
func (c *Client) Close() error {
	return errors.Join(c.connection.Close(), c.anonymous.Close())
}
