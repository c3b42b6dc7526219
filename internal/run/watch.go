package run

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// watcher learns of what ends a session, or interrupts it, and wakes it. Between start
// and stop its goroutines run.
type watcher struct {
	end   atomic.Bool
	cut   atomic.Bool // end, by somebody's wish
	usr1  atomic.Bool
	wake  func()
	quit  chan struct{}
	wg    sync.WaitGroup
	pid   *sys.Waiter // on the process of -p, or nil
	fd    int
	timer *time.Timer // nil: no limit
	clock *sys.ClockWatch

	mu     sync.Mutex
	clocks []clockReading // not yet taken
}

// clockReading is how far the wall clock was ahead of the boot clock.
type clockReading struct {
	now   uint64
	ahead int64
}

// grace is the time after a session's end in which signals are still caught: timeout(1)
// sends its own twice, to the command and to the command's group.
const grace = time.Second

// ended reports whether the session is to end.
func (w *watcher) ended() bool { return w.end.Load() }

// interrupted reports whether the session is to end because somebody wants it to, and not
// because the process that it's about did.
func (w *watcher) interrupted() bool { return w.cut.Load() }

// signalled reports, once for each time, whether SIGUSR1 came.
func (w *watcher) signalled() bool { return w.usr1.Swap(false) }

// start begins to watch. wake is called after each change. After an error nothing runs.
func (w *watcher) start(ctx context.Context, cfg *Config, wake func()) error {
	w.quit, w.wake = make(chan struct{}), wake
	if cfg.Pid != 0 {
		if err := w.watchPid(cfg.Pid); err != nil {
			return err
		}
	}
	if printsTimes(cfg.Object) {
		if err := w.watchClock(); err != nil {
			w.stop()
			return err
		}
	}
	signals := make(chan os.Signal, 8)
	if cfg.Signals {
		// Of SIGPIPE only the handler matters: with it a closed output is an error of
		// write, not the end of the process.
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGPIPE)
	}
	var child <-chan struct{}
	if cfg.Child != nil {
		child = cfg.Child.Done()
	}
	w.wg.Go(func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-w.quit:
				return
			case s := <-signals:
				switch s {
				case syscall.SIGPIPE:
					continue
				case syscall.SIGUSR1:
					w.usr1.Store(true)
					wake()
					continue
				}
				w.cut.Store(true)
			case <-ctx.Done():
				w.cut.Store(true)
			case <-child:
			}
			w.finish()
			select {
			case <-w.quit:
			case <-time.After(grace):
				// The next one has its default effect: it ends us at once.
				signal.Reset(syscall.SIGINT, syscall.SIGTERM)
				<-w.quit
			}
			return
		}
	})
	return nil
}

// watchPid ends the session when the process does.
func (w *watcher) watchPid(pid int) error {
	fd, err := sys.PidfdOpen(pid)
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	w.pid, err = sys.NewWaiter(fd)
	if err != nil {
		sys.Close(fd)
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	w.fd = fd
	w.wg.Go(func() {
		if woken, err := w.pid.Wait(time.Time{}); err == nil && !woken {
			w.finish()
		}
	})
	return nil
}

// watchClock takes a reading whenever the wall clock is set.
func (w *watcher) watchClock() error {
	var err error
	if w.clock, err = sys.NewClockWatch(); err != nil {
		return fmt.Errorf("watch the wall clock: %w", err)
	}
	w.readClock() // it may have been set before the watch began
	w.wg.Go(func() {
		for {
			set, err := w.clock.Wait()
			if err != nil || !set {
				return
			}
			w.readClock()
			w.wake()
		}
	})
	return nil
}

// readClock takes a reading.
func (w *watcher) readClock() {
	now, ahead, err := sys.Clocks()
	if err != nil {
		return
	}
	w.mu.Lock()
	w.clocks = append(w.clocks, clockReading{uint64(now), ahead})
	w.mu.Unlock()
}

// readings are those taken since the last call.
func (w *watcher) readings() []clockReading {
	if w.clock == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.clocks
	w.clocks = nil
	return taken
}

// limit ends the session after d; 0: it has no limit.
func (w *watcher) limit(d time.Duration) {
	if d > 0 {
		w.timer = time.AfterFunc(d, w.finish)
	}
}

// finish ends the session.
func (w *watcher) finish() {
	w.end.Store(true)
	w.wake()
}

// stop ends the watching.
func (w *watcher) stop() {
	close(w.quit)
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.pid != nil {
		w.pid.Wake()
	}
	if w.clock != nil {
		w.clock.Wake()
	}
	w.wg.Wait()
	if w.clock != nil {
		w.clock.Close()
	}
	if w.pid != nil {
		w.pid.Close()
		sys.Close(w.fd)
	}
}
