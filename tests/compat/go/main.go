// Command compat moves data through S3 and SQS with AWS's SDK for Go, version 2, in its default configuration, and
// compares it. It finds the server in AWS_ENDPOINT_URL and the bucket and queue in its words; what went wrong is its
// output and exit code 1.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const partBytes = 5 << 20

func main() {
	ctx := context.Background()
	configuration, err := config.LoadDefaultConfig(ctx)
	check(err)
	name := os.Args[2]
	objects := s3.NewFromConfig(configuration, func(o *s3.Options) { o.UsePathStyle = true })
	switch os.Args[1] {
	case "objects":
		putAndGet(ctx, objects, name)
		conditions(ctx, objects, name)
		list(ctx, objects, name)
	case "multipart":
		multipart(ctx, objects, name)
	case "presigned":
		presigned(ctx, objects, name)
	case "queues":
		queues(ctx, sqs.NewFromConfig(configuration), name)
	}
	fmt.Println("ok")
}

// putAndGet sends a body with each checksum: CRC32 by default, the others by name.
func putAndGet(ctx context.Context, client *s3.Client, bucket string) {
	algorithms := append([]s3types.ChecksumAlgorithm{""}, s3types.ChecksumAlgorithmCrc32,
		s3types.ChecksumAlgorithmCrc32c, s3types.ChecksumAlgorithmCrc64nvme, s3types.ChecksumAlgorithmSha1,
		s3types.ChecksumAlgorithmSha256)
	for _, algorithm := range algorithms {
		content := random(300_000)
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket:            &bucket,
			Key:               aws.String("folder/ü +&"),
			Body:              bytes.NewReader(content),
			ChecksumAlgorithm: algorithm,
			Metadata:          map[string]string{"color": "red"},
		})
		check(err)
		got, err := client.GetObject(ctx, &s3.GetObjectInput{
			Bucket:       &bucket,
			Key:          aws.String("folder/ü +&"),
			ChecksumMode: s3types.ChecksumModeEnabled,
		})
		check(err)
		back, err := io.ReadAll(got.Body) // compares the checksum at its end
		check(err)
		expect(bytes.Equal(back, content), "the object has other bytes")
		expect(got.Metadata["color"] == "red", "the object lost its metadata")
	}
}

func conditions(ctx context.Context, client *s3.Client, bucket string) {
	put := func() error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("once"), Body: bytes.NewReader([]byte("1")), IfNoneMatch: aws.String("*"),
		})
		return err
	}
	check(put())
	var refused smithy.APIError
	expect(errors.As(put(), &refused) && refused.ErrorCode() == "PreconditionFailed", "a second writer won")
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("none")})
	var missing *s3types.NoSuchKey
	expect(errors.As(err, &missing), "a missing key is no NoSuchKey")
	_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("none")})
	var notFound *s3types.NotFound
	expect(errors.As(err, &notFound), "a missing key's head is no NotFound")
}

func list(ctx context.Context, client *s3.Client, bucket string) {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(1)})
	var keys []string
	var doomed []s3types.ObjectIdentifier
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		for _, one := range page.Contents {
			keys = append(keys, *one.Key)
			doomed = append(doomed, s3types.ObjectIdentifier{Key: one.Key})
		}
	}
	expect(len(keys) == 2 && keys[0] == "folder/ü +&" && keys[1] == "once", fmt.Sprint("listed: ", keys))
	done, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &s3types.Delete{Objects: doomed},
	})
	check(err)
	expect(len(done.Deleted) == 2 && len(done.Errors) == 0, "not all was deleted")
}

func multipart(ctx context.Context, client *s3.Client, bucket string) {
	content := random(4*partBytes + 1)
	uploader := manager.NewUploader(client, func(u *manager.Uploader) { u.PartSize = partBytes })
	_, err := uploader.Upload(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("large"), Body: io.MultiReader(bytes.NewReader(content)),
	})
	check(err)
	back := manager.NewWriteAtBuffer(nil)
	_, err = manager.NewDownloader(client).Download(ctx, back, &s3.GetObjectInput{
		Bucket: &bucket, Key: aws.String("large"),
	})
	check(err)
	expect(bytes.Equal(back.Bytes(), content), "the large object has other bytes")
}

func presigned(ctx context.Context, client *s3.Client, bucket string) {
	signer := s3.NewPresignClient(client)
	put, err := signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("ü")})
	check(err)
	get, err := signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("ü")})
	check(err)
	request, err := http.NewRequestWithContext(ctx, put.Method, put.URL, bytes.NewReader([]byte("by URL")))
	check(err)
	stored, err := http.DefaultClient.Do(request)
	check(err)
	expect(stored.StatusCode == http.StatusOK, "PUT of the presigned URL: "+stored.Status)
	got, err := http.Get(get.URL)
	check(err)
	back, err := io.ReadAll(got.Body)
	check(err)
	expect(string(back) == "by URL", "GET of the presigned URL: "+string(back))
}

// queues sends, receives and deletes; the SDK compares the MD5 of bodies by itself.
func queues(ctx context.Context, client *sqs.Client, name string) {
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	check(err)
	sent, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:    queue.QueueUrl,
		MessageBody: aws.String("hello from Go ü"),
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{
			"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		},
	})
	check(err)
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: queue.QueueUrl, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 5,
	})
	check(err)
	expect(len(got.Messages) == 1, "no message")
	message := got.Messages[0]
	expect(*message.MessageId == *sent.MessageId && *message.Body == "hello from Go ü", "another message")
	expect(bytes.Equal(message.MessageAttributes["bytes"].BinaryValue, []byte{0, 255}), "another attribute")
	_, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: queue.QueueUrl, ReceiptHandle: message.ReceiptHandle,
	})
	check(err)
	var entries []sqstypes.SendMessageBatchRequestEntry
	for n := range 10 {
		id := fmt.Sprint(n)
		entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id})
	}
	batch, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: queue.QueueUrl, Entries: entries})
	check(err)
	expect(len(batch.Successful) == 10, "not the whole batch was sent")
	_, err = client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(name + "-none")})
	var missing *sqstypes.QueueDoesNotExist
	expect(errors.As(err, &missing), fmt.Sprint("a missing queue is no QueueDoesNotExist: ", err))
	_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl})
	check(err)
}

func random(size int) []byte {
	content := make([]byte, size)
	rand.New(rand.NewSource(int64(size))).Read(content)
	return content
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func expect(holds bool, otherwise string) {
	if !holds {
		fmt.Println(otherwise)
		os.Exit(1)
	}
}
