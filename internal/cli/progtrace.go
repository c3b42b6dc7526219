package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// progTracelog copies the kernel's trace pipe, where bpf_printk and bpf_trace_printk
// write, until it's interrupted; a line goes to one reader only. Behind stdout or stderr stands
// the program whose stream is read instead.
func progTracelog(b *bpfRun) (err error) {
	switch {
	case b.take("stdout"):
		return b.progStream(sys.StreamStdout, b.app.out)
	case b.take("stderr"):
		return b.progStream(sys.StreamStderr, b.app.err)
	case b.more():
		return b.unexpected("stdout", "stderr")
	}
	k := kern.New(os.DirFS("/"))
	defer func() { err = errors.Join(err, k.Close()) }()
	t, err := k.Tracefs()
	if err != nil {
		return err
	}
	f, err := t.Open("trace_pipe")
	if err != nil {
		return fmt.Errorf("open the trace pipe: %w", err)
	}
	defer f.Close()
	lines := make(chan string)
	copied := make(chan error, 1)
	go func() { copied <- sendLines(f, lines) }()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(interrupted)
	b.open("[")
	defer b.end("]")
	for {
		select {
		case <-interrupted:
			return nil
		case line := <-lines:
			if err := b.printLine(line); err != nil {
				return err
			}
		case err = <-copied:
			return fmt.Errorf("read the trace pipe: %w", err)
		}
	}
}

// sendLines sends each line, with its end, until there are no more.
func sendLines(r io.Reader, to chan<- string) error {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		if line != "" {
			to <- line
		}
		if err != nil {
			return err
		}
	}
}

// printLine prints a line at once: in JSON it's an element.
func (b *bpfRun) printLine(line string) error {
	if j := b.out.JSON; j != nil {
		j.Text(line)
		return j.Flush()
	}
	_, err := io.WriteString(b.app.out, line)
	return err
}

// progStream copies what a program wrote to one of its streams, and nobody has read yet.
func (b *bpfRun) progStream(stream uint32, to io.Writer) (err error) {
	o, err := b.one(inspect.KindProg, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := b.done(); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, err := sys.ReadStream(o.FD, stream, buf)
		switch {
		case errors.Is(err, sys.EINVAL):
			return fmt.Errorf("read stream: %w: programs have streams from Linux 6.17 on", err)
		case err != nil:
			return fmt.Errorf("read stream: %w", err)
		case n == 0:
			return nil
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return err
		}
	}
}
