// Package cumulo is the Go client of Cumulo: the generated stubs behind one connection that authenticates itself.
//
// It owns the connection, the bearer token (obtained by a proof of the access key and renewed before it ends), and the
// framing of object uploads and downloads. It promises that the secret access key never leaves the process. It knows no
// retries and no deadlines: those are the caller's, by context and grpc.DialOption.
package cumulo

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	identityv1 "cumulo/clients/go/api/identity/v1"
	keysv1 "cumulo/clients/go/api/keys/v1"
	objectsv1 "cumulo/clients/go/api/objects/v1"
	queuev1 "cumulo/clients/go/api/queue/v1"
	runnerv1 "cumulo/clients/go/api/runner/v1"
	topicsv1 "cumulo/clients/go/api/topics/v1"
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

// defaultTarget is where `cumulo serve` answers if it is not told otherwise.
const defaultTarget = "127.0.0.1:4567"

// ConfigFromEnv reads CUMULO_TARGET, CUMULO_ACCESS_KEY_ID and CUMULO_SECRET_ACCESS_KEY or, without these two, their AWS_
// namesakes, and CUMULO_TLS_CA, the path of a PEM file; as the other clients do and `cumulo env` prints them.
func ConfigFromEnv() (Config, error) {
	config := Config{
		Target:          cmp.Or(os.Getenv("CUMULO_TARGET"), defaultTarget),
		AccessKeyID:     os.Getenv("CUMULO_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("CUMULO_SECRET_ACCESS_KEY"),
	}
	// A pair is taken from one place: halves of two make no key.
	if config.AccessKeyID == "" && config.SecretAccessKey == "" {
		config.AccessKeyID, config.SecretAccessKey = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	}
	if path := os.Getenv("CUMULO_TLS_CA"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("cumulo: CUMULO_TLS_CA: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return Config{}, fmt.Errorf("cumulo: CUMULO_TLS_CA: %s holds no certificate", path)
		}
		config.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return config, nil
}

// Client holds the stubs of all services over one connection. It is safe for concurrent use.
type Client struct {
	Queues    queuev1.QueueServiceClient
	Schedules queuev1.ScheduleServiceClient
	Logs      queuev1.LogServiceClient
	Topics    topicsv1.TopicServiceClient
	Objects   objectsv1.ObjectServiceClient
	Keys      keysv1.KeyServiceClient
	Identity  identityv1.IdentityServiceClient
	Runner    runnerv1.RunnerServiceClient

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
		Schedules:  queuev1.NewScheduleServiceClient(connection),
		Logs:       queuev1.NewLogServiceClient(connection),
		Topics:     topicsv1.NewTopicServiceClient(connection),
		Objects:    objectsv1.NewObjectServiceClient(connection),
		Keys:       keysv1.NewKeyServiceClient(connection),
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
