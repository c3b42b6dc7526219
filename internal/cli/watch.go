package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// watchOptions are those of `skep watch`.
type watchOptions struct{ duration, interval string }

// watchCommand is `skep watch`: what happens to BPF objects, as it happens.
func (a *app) watchCommand() *cobra.Command {
	flags, o := new(bpfFlags), new(watchOptions)
	c := &cobra.Command{
		Use: "watch", Short: "Report BPF programs and maps as they come and go, and who does it",
		Long: "Report each program that is loaded, attached, detached and unloaded, and each map that is\n" +
			"created and freed, with the process that does it, until interrupted.",
		Example: "  skep watch                    until Ctrl-C\n  skep watch -j --duration 60   for a minute, an object of JSON a line",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(flags, func(b *bpfRun) error { return b.watch(o) }, args)
		},
	}
	f := c.Flags()
	f.BoolVarP(&flags.json, "json", "j", false, "print JSON, an object a line")
	f.StringVarP(&o.duration, "duration", "d", "", "end after this `time`: 10, 500ms, 2m")
	f.StringVarP(&o.interval, "interval", "i", "100ms", "look at the lists of objects each `time`")
	return c
}

func (b *bpfRun) watch(o *watchOptions) (err error) {
	every, err := parseDuration(o.interval)
	if err != nil {
		return usagef("--interval takes a time such as 100ms, not %q", o.interval)
	}
	var end time.Time
	if o.duration != "" {
		d, err := parseDuration(o.duration)
		if err != nil {
			return usagef("--duration takes a time such as 10, 500ms or 2m, not %q", o.duration)
		}
		end = time.Now().Add(d)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	w, missing, err := b.reader.StartWatch()
	if err != nil {
		signal.Stop(interrupted)
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, ok := <-interrupted; ok {
			w.Wake()
		}
	}()
	defer func() {
		signal.Stop(interrupted)
		close(interrupted)
		<-done
		err = errors.Join(err, w.Close())
	}()
	b.lacking(missing)
	b.tellLacks() // now, and not in the end
	b.lacks = nil
	if err := b.out.WatchHeader(time.Now()); err != nil {
		return err
	}
	return b.watchUntil(w, every, end)
}

// watchUntil prints events until the end (zero: none), or until it's woken.
func (b *bpfRun) watchUntil(w *inspect.Watch, every time.Duration, end time.Time) error {
	for next, ended := time.Now().Add(every), false; !ended; {
		woken, err := w.Wait(next)
		if err != nil {
			return err
		}
		now := time.Now()
		ended = woken || !end.IsZero() && now.After(end)
		lists := ended || !now.Before(next)
		events, err := w.Poll(lists)
		if err != nil {
			return err
		}
		if lists {
			next = time.Now().Add(every)
			if !end.IsZero() && end.Before(next) {
				next = end
			}
		}
		for i := range events {
			if err := b.out.Watch(&events[i], b.width()); err != nil {
				return err
			}
		}
	}
	return nil
}
