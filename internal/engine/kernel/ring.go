package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Header of a record: u32 length with these two bits, u32 page offset (struct
// bpf_ringbuf_hdr, kernel/bpf/ringbuf.c).
const (
	ringBusy    = 1 << 31 // reserved, not yet submitted
	ringDiscard = 1 << 30
	ringHeader  = 8
)

// busyPause is how long the reader lets go of the CPU when the oldest record is still
// being written; a program between reserve and submit takes about a microsecond.
const busyPause = 20 * time.Microsecond

// waitSpacing is the least time between two waits for the kernel's wake-up.
const waitSpacing = 500 * time.Microsecond

// ring reads a BPF_MAP_TYPE_RINGBUF without copying. One goroutine calls next.
//
// The kernel wakes the reader when the record that it submits is the one at the
// consumer's position. So next stores its position before it looks for the last time
// and waits.
//
// It reads the packets' perf buffers too. Which of them a program wrote first isn't known, but
// what it sent before is there when its record is: so packets come before a record that was
// found after them, as one before the exit() of the same program.
type ring struct {
	mu       sync.Mutex // held by next; close takes it to wait for next's end
	waking   sync.Mutex // held by wake, and by close as it takes the waiter away
	waiter   *sys.Waiter
	closed   atomic.Bool
	consumer []byte // one page, ours to write
	producer []byte // one page, then the data twice
	data     []byte // both copies, so that a record never wraps
	mask     uint64
	pos      uint64    // consumer position, before the record leased out
	waited   time.Time // when the last wait began
	lease    uint64    // bytes of the record leased out, with its header
	packets  *perfBuffers
	marked   bool // packets up to their mark go first
	due      bool // then a record, which was there before the mark
}

// newRing maps the ring buffer fd of size data bytes. fd -1: no records will come from one. The
// ring owns packets, which may be nil, unless there's an error.
func newRing(fd, size int, packets *perfBuffers) (*ring, error) {
	if fd < 0 {
		w, err := sys.NewWaiter(packets.fds()...)
		if err != nil {
			return nil, fmt.Errorf("open event waiter: %w", err)
		}
		return &ring{waiter: w, packets: packets}, nil
	}
	page := os.Getpagesize()
	consumer, err := sys.MmapWrite(fd, 0, page)
	if err != nil {
		return nil, fmt.Errorf("map ring buffer: %w", err)
	}
	producer, err := sys.MmapRead(fd, int64(page), page+2*size)
	if err != nil {
		sys.Munmap(consumer)
		return nil, fmt.Errorf("map ring buffer: %w", err)
	}
	w, err := sys.NewWaiter(append(packets.fds(), fd)...)
	if err != nil {
		sys.Munmap(consumer)
		sys.Munmap(producer)
		return nil, fmt.Errorf("open event waiter: %w", err)
	}
	r := &ring{waiter: w, consumer: consumer, producer: producer, data: producer[page:], mask: uint64(size - 1), packets: packets}
	r.pos = atomic.LoadUint64(position(consumer))
	return r, nil
}

// position is the u64 at the start of a page of the ring buffer.
func position(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(unsafe.SliceData(page))) }

// next returns the bytes of the oldest record; they are valid until the following call.
func (r *ring) next(deadline time.Time) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.closed.Load() {
			return nil, io.EOF
		}
		rec, busy := r.take()
		if rec != nil {
			return rec, nil
		}
		if busy {
			time.Sleep(busyPause)
			continue
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return nil, engine.ErrTimeout
		}
		if r.pause() {
			continue
		}
		woken, err := r.waiter.Wait(deadline)
		if err != nil {
			return nil, fmt.Errorf("wait for events: %w", err)
		}
		if woken && !r.closed.Load() {
			return nil, engine.ErrTimeout
		}
	}
}

// pause lets records gather when the last wait was just now, and reports whether it did.
// A reader that keeps up with a million events a second would else be woken for each of
// them, at the expense of what is traced. Rarer events never meet a pause.
func (r *ring) pause() bool {
	now := time.Now()
	since := now.Sub(r.waited)
	if since >= waitSpacing {
		r.waited = now
		return false
	}
	time.Sleep(waitSpacing - since)
	return true
}

// take gives back the record leased before and leases the next one: packets up to the mark,
// then a record. busy: there is one, but its program hasn't submitted it yet.
func (r *ring) take() (rec []byte, busy bool) {
	r.release()
	if r.packets == nil {
		return r.record()
	}
	for {
		fresh := !r.marked
		if fresh {
			rec, busy = r.record()
			r.due, r.lease = rec != nil, 0 // it stays there until the packets are through
			r.packets.mark()
			r.marked = true
		}
		if packet := r.packets.take(); packet != nil {
			return packet, false
		}
		r.marked = false
		switch {
		case r.due:
			return r.record()
		case fresh:
			return nil, busy
		}
	}
}

// release gives back the record leased out.
func (r *ring) release() {
	if r.lease != 0 {
		r.pos += r.lease
		r.lease = 0
		atomic.StoreUint64(position(r.consumer), r.pos)
	}
}

// record leases the ring buffer's next record.
func (r *ring) record() (rec []byte, busy bool) {
	if r.producer == nil {
		return nil, false
	}
	for r.pos < atomic.LoadUint64(position(r.producer)) {
		at := r.pos & r.mask
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if head&ringBusy != 0 {
			return nil, true
		}
		n := uint64(head &^ (ringBusy | ringDiscard))
		size := (n + ringHeader + 7) &^ 7
		if head&ringDiscard == 0 {
			r.lease = size
			return r.data[at+ringHeader : at+ringHeader+n : at+ringHeader+n], false
		}
		r.pos += size
		atomic.StoreUint64(position(r.consumer), r.pos)
	}
	return nil, false
}

// wake ends a waiting next. It may be called by any goroutine, also after close.
func (r *ring) wake() {
	r.waking.Lock()
	defer r.waking.Unlock()
	if !r.closed.Load() {
		r.waiter.Wake()
	}
}

// close ends a waiting next and frees the mappings; leased bytes are gone.
func (r *ring) close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.waiter.Wake()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waking.Lock()
	defer r.waking.Unlock()
	if r.producer != nil {
		sys.Munmap(r.consumer)
		sys.Munmap(r.producer)
		r.producer = nil
	}
	if err := r.packets.close(); err != nil {
		return errors.Join(err, r.waiter.Close())
	}
	return r.waiter.Close()
}
