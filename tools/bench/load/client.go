// SPDX-License-Identifier: MPL-2.0

package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is how long one answer may take.
const patience = 10 * time.Second

// readBuffer is in bytes: a small answer is one read, a large one is few.
const readBuffer = 64 << 10

// Target is a web server.
type Target struct {
	Address string // host:port to connect to
	Host    string // hostname that is asked for
	TLS     bool
}

// File is what a server is asked for.
type File struct {
	Target
	Path string
	Size int64 // bytes; an answer of another size is a failure
}

// client is one connection. It speaks HTTP/1.1 and has one request under way at
// most.
type client struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	size    int64
}

// connect makes a connection and asks once, so that whatever is done once per
// connection is behind it.
func connect(ctx context.Context, file File) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", file.Address)
	if err != nil {
		return nil, err
	}
	if file.TLS {
		// The servers' certificates are their own authorities', and who they are
		// is known: they run on this machine.
		conn = tls.Client(conn, &tls.Config{ServerName: file.Host, InsecureSkipVerify: true})
	}
	c := &client{
		conn:    conn,
		reader:  bufio.NewReaderSize(conn, readBuffer),
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n\r\n", file.Path, file.Host),
		size:    file.Size,
	}
	if err := errors.Join(conn.SetDeadline(time.Now().Add(patience)), c.ask()); err != nil {
		return nil, errors.Join(fmt.Errorf("%s%s at %s: %w", file.Host, file.Path, file.Address, err), c.close())
	}
	return c, nil
}

// ask sends the request and reads its whole answer.
func (c *client) ask() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	size, err := io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	switch {
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("the answer is %s", answer.Status)
	case size != c.size:
		return fmt.Errorf("the answer has %d bytes and not %d", size, c.size)
	case answer.Close:
		return errors.New("the server does not keep the connection")
	}
	return nil
}

func (c *client) close() error { return c.conn.Close() }
