package cumulo

import (
	"context"
	"errors"
	"fmt"
	"io"

	objectsv1 "cumulo/clients/go/api/objects/v1"
)

// frameBytes is the size of the data frames that are sent; the server takes up to 1 MiB.
const frameBytes = 256 << 10

// PutObject stores what body yields as the object that head names. An error of body, or a cancelled context, stores
// nothing: the object becomes one by its last frame alone.
func (c *Client) PutObject(
	ctx context.Context, head *objectsv1.PutObjectHead, body io.Reader,
) (*objectsv1.Object, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a stream that was left before its commit
	stream, err := c.Objects.PutObject(ctx)
	if err != nil {
		return nil, err
	}
	// io.EOF means that the server has answered before the end; CloseAndRecv tells why.
	if err := sendObject(stream, head, body); err != nil && err != io.EOF {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, err
	}
	return answer.GetObject(), nil
}

func sendObject(stream objectsv1.ObjectService_PutObjectClient, head *objectsv1.PutObjectHead, body io.Reader) error {
	err := stream.Send(&objectsv1.PutObjectRequest{Frame: &objectsv1.PutObjectRequest_Head{Head: head}})
	for err == nil {
		buffer := make([]byte, frameBytes) // a new one each time, for Send may keep it
		// Not io.ReadFull: its io.ErrUnexpectedEOF could not be told from that of a body which was cut off.
		n, readErr := body.Read(buffer)
		if n > 0 {
			err = stream.Send(&objectsv1.PutObjectRequest{Frame: &objectsv1.PutObjectRequest_Data{Data: buffer[:n]}})
		}
		if readErr == io.EOF && err == nil {
			commit := &objectsv1.PutObjectRequest_Commit{Commit: &objectsv1.UploadCommit{}}
			return stream.Send(&objectsv1.PutObjectRequest{Frame: commit})
		} else if readErr != nil && readErr != io.EOF {
			return fmt.Errorf("cumulo: reading the body of the object: %w", readErr)
		}
	}
	return err
}

// GetObject writes the requested bytes of an object to sink and answers its description.
func (c *Client) GetObject(
	ctx context.Context, request *objectsv1.GetObjectRequest, sink io.Writer,
) (*objectsv1.Object, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a stream that was not read to its end
	stream, err := c.Objects.GetObject(ctx, request)
	if err != nil {
		return nil, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	head := answer.GetHead()
	if head == nil {
		return nil, errors.New("cumulo: a download began without its head")
	}
	var received int64
	for {
		answer, err := stream.Recv()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		n, err := sink.Write(answer.GetData())
		received += int64(n)
		if err != nil {
			return nil, err
		}
	}
	if received != head.GetContentLength() {
		return nil, fmt.Errorf("cumulo: got %d of %d bytes: %w", received, head.GetContentLength(), io.ErrUnexpectedEOF)
	}
	return head.GetObject(), nil
}
