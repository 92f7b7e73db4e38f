// Sends a message and an object and gets both back. With a server running: eval "$(cumulo env)" && go run ./example
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	cumulo "cumulo/clients/go"
	objectsv1 "cumulo/clients/go/api/objects/v1"
	queuev1 "cumulo/clients/go/api/queue/v1"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := must(cumulo.Open(must(cumulo.ConfigFromEnv())))
	defer client.Close()

	// A queue: create, send, receive, delete. Short names do.
	must(client.Queues.CreateQueue(ctx, &queuev1.CreateQueueRequest{Queue: &queuev1.Queue{Name: "go-example"}}))
	must(client.Queues.SendMessage(ctx, &queuev1.SendMessageRequest{Queue: "go-example", Body: []byte("hello from Go")}))
	wait := int32(10)
	received := must(client.Queues.ReceiveMessages(ctx, &queuev1.ReceiveMessagesRequest{Queue: "go-example", WaitS: &wait}))
	message := received.Messages[0]
	must(client.Queues.DeleteMessage(ctx, &queuev1.DeleteMessageRequest{Queue: "go-example", ReceiptHandle: message.ReceiptHandle}))
	fmt.Printf("message: %s\n", message.Body)

	// A bucket: create, put, get.
	must(client.Objects.CreateBucket(ctx, &objectsv1.CreateBucketRequest{Bucket: &objectsv1.Bucket{Name: "go-example"}}))
	head := &objectsv1.PutObjectHead{Bucket: "go-example", Key: "greeting.txt", ContentType: "text/plain"}
	must(client.PutObject(ctx, head, strings.NewReader("an object from Go")))
	var body bytes.Buffer
	object := must(client.GetObject(ctx, &objectsv1.GetObjectRequest{Bucket: "go-example", Key: "greeting.txt"}, &body))
	fmt.Printf("object: %s (%s, ETag %s)\n", body.String(), object.ContentType, object.Etag)

	// Nothing is left behind, so that it runs again.
	must(client.Objects.DeleteObject(ctx, &objectsv1.DeleteObjectRequest{Bucket: "go-example", Key: "greeting.txt"}))
	must(client.Objects.DeleteBucket(ctx, &objectsv1.DeleteBucketRequest{Name: "go-example"}))
	must(client.Queues.DeleteQueue(ctx, &queuev1.DeleteQueueRequest{Name: "go-example"}))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
