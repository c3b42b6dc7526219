package run

import (
	"errors"
	"fmt"
	"time"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/output"
)

// tick is how often a session looks after things that nothing tells it of: losses, and
// the mappings of processes whose symbols may be needed after their end.
const tick = 100 * time.Millisecond

// pump turns events into output until something ends the session.
func (r *runner) pump() error {
	for {
		if now := time.Now(); r.naming && now.Sub(r.collected) >= tick {
			r.collect()
			if err := r.unwind.update(); err != nil {
				return err
			}
			r.collected = now
		}
		idle, err := r.available()
		if err != nil || r.ended {
			return err
		}
		switch {
		case r.watch.ended():
			return nil
		case r.watch.signalled():
			if err := r.runAll("self"); err != nil {
				return err
			}
			continue
		case !idle:
			continue
		}
		if err := r.idle(); err != nil {
			return err
		}
		var deadline time.Time
		if r.naming {
			deadline = time.Now().Add(tick)
		}
		rec, err := r.s.Next(deadline)
		r.setClocks()
		switch {
		case errors.Is(err, engine.ErrTimeout):
		case err != nil:
			return err
		default:
			if err := r.record(rec); err != nil {
				return err
			}
		}
		if r.ended {
			return nil
		}
	}
}

// burst bounds the events between two looks at what may end the session.
const burst = 256

// expired is a deadline that has passed: Next then returns only what is there.
var expired = time.Unix(1, 0)

// available handles events that are there, up to burst. idle: there are no more.
func (r *runner) available() (idle bool, err error) {
	r.setClocks()
	for range burst {
		rec, err := r.s.Next(expired)
		if errors.Is(err, engine.ErrTimeout) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if err := r.record(rec); err != nil || r.ended {
			return false, err
		}
	}
	return false, r.reportLost(false)
}

// idle writes out what is buffered before waiting.
func (r *runner) idle() error {
	if err := r.reportLost(false); err != nil {
		return err
	}
	if r.Buffering == BufferFull {
		return nil
	}
	if err := r.flushCaptures(); err != nil {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "%v", err), nil)
	}
	return r.Sink.Flush()
}

// drain handles all events that are there, up to an exit().
func (r *runner) drain() error {
	for !r.ended {
		idle, err := r.available()
		if err != nil || idle {
			return err
		}
	}
	return nil
}

// discard throws away all events that are there: what probes sent after exit().
func (r *runner) discard() error {
	for {
		_, err := r.s.Next(expired)
		if errors.Is(err, engine.ErrTimeout) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// setClocks takes in that the wall clock was set.
func (r *runner) setClocks() {
	for _, c := range r.watch.readings() {
		r.dec.SetClock(c.now, c.ahead)
	}
}
