package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// mapEventPipe prints what programs write to a map of perf events, until it's interrupted. Its
// events stand in the map meanwhile, in place of those that are there.
func mapEventPipe(b *bpfRun) (err error) {
	o, err := b.one(inspect.KindMap, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	m, err := b.reader.MapByFD(o.FD)
	if err != nil {
		return err
	}
	if !m.OfPerfEvents() {
		return fmt.Errorf("read events of map %d: it's a %s, not a perf_event_array", m.ID, m.TypeName())
	}
	cpu, index, err := b.eventWords()
	if err != nil {
		return err
	}
	var events sys.OutputEvents
	defer func() { err = errors.Join(err, events.Close()) }()
	if err := b.warnReaders(m); err != nil {
		return err
	}
	if cpu >= 0 {
		err = events.Add(o.FD, cpu, index)
	} else {
		err = b.addAllCPUs(&events, o, m)
	}
	if err != nil {
		return fmt.Errorf("read events of map %d: %w", m.ID, err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(interrupted)
	b.open("[")
	defer b.end("]")
	for {
		if err := events.Wait(eventWait); err != nil {
			return err
		}
		if err := b.out.OutputRecords(&events); err != nil {
			return err
		}
		select {
		case <-interrupted:
			return nil
		default:
		}
	}
}

// eventWait is how long no event may come before an interrupt is seen, in milliseconds.
const eventWait = 100

// eventWords reads "cpu N index M"; cpu is -1 when there are none: all CPUs are meant.
func (b *bpfRun) eventWords() (cpu, index int, err error) {
	cpu, index = -1, -1
	number := func(what string, to *int) error {
		w, err := b.next(what)
		if err != nil {
			return err
		}
		if *to, err = strconv.Atoi(w); err != nil || *to < 0 {
			return usagef("%s is a number, not %q", what, w)
		}
		return nil
	}
	for b.more() && err == nil {
		switch {
		case b.take("cpu"):
			err = number("the CPU", &cpu)
		case b.take("index"):
			err = number("the index", &index)
		default:
			err = b.unexpected("cpu", "index")
		}
	}
	if err == nil && (cpu < 0) != (index < 0) {
		err = usagef("cpu and index are given together")
	}
	return cpu, index, err
}

// addAllCPUs adds the event of each CPU that has an element.
func (b *bpfRun) addAllCPUs(events *sys.OutputEvents, o *inspect.Object, m *inspect.Map) error {
	cpus, err := b.reader.Kernel().OnlineCPUs()
	if err != nil {
		return err
	}
	for _, cpu := range cpus {
		if cpu >= int(m.MaxEntries) {
			continue
		}
		if err := events.Add(o.FD, cpu, cpu); err != nil {
			return err
		}
	}
	return nil
}

// warnReaders tells which processes have the map, and get no more events.
func (b *bpfRun) warnReaders(m *inspect.Map) error {
	if b.flags.noPids {
		return nil
	}
	owners, err := b.reader.Owners()
	if err != nil {
		b.lacking([]error{err})
		return nil
	}
	for _, p := range owners.Of(inspect.KindMap, m.ID) {
		if p.PID != os.Getpid() {
			fmt.Fprintf(b.err, "WARNING: process %d (%s) has map %d too: if it reads events, they don't come there any more\n", p.PID, p.Comm, m.ID)
		}
	}
	return nil
}
