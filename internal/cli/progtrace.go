package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/skep-bpf/skep/internal/host/kern"
)

// progTracelog copies the kernel's trace pipe, where bpf_printk and bpf_trace_printk
// write, until it's interrupted. A line goes to one reader only.
func progTracelog(b *bpfRun) (err error) {
	if err := b.done(); err != nil {
		return err
	}
	if b.out.JSON != nil {
		return usagef("the trace log is text")
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
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(b.app.out, f)
		copied <- err
	}()
	select {
	case <-interrupted:
		return nil
	case err = <-copied:
	}
	if err != nil {
		return fmt.Errorf("read the trace pipe: %w", err)
	}
	return nil
}
