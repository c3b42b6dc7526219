package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// Layout of a perf event's buffer: a page of which these two words matter (struct
// perf_event_mmap_page), then the data, a power of two of pages. An event begins with u32 type, u16
// flags, u16 length (struct perf_event_header); a sample of raw data goes on with u32 length.
const (
	perfHead   = 1024
	perfTail   = 1032
	perfHeader = 8
	perfRaw    = 12
	perfSample = 9 // PERF_RECORD_SAMPLE; what was lost the programs count themselves
)

// perfBuffers read a BPF_MAP_TYPE_PERF_EVENT_ARRAY: packets go there, since the helper that
// copies them takes no ring buffer. The ring's reader owns them and calls them one at a time.
type perfBuffers struct {
	cpus []perfBuffer
	next int // of cpus, where to look first
}

// perfBuffer is the buffer of one CPU.
type perfBuffer struct {
	fd    int
	mem   []byte
	data  []byte // of mem
	tail  uint64 // of the event leased out, or the next one
	lease uint64 // bytes of the event leased out
	until uint64 // events up to here are older than the ring buffer's oldest record
	whole []byte // an event that wraps, put together
}

// newPerfBuffers gives each CPU that runs a buffer, and enters it into the map fd.
func newPerfBuffers(fd int, cpus []int, size int) (*perfBuffers, error) {
	p := &perfBuffers{}
	for _, cpu := range cpus {
		b, err := newPerfBuffer(cpu, size)
		if errors.Is(err, sys.ENODEV) {
			continue // went off just now
		}
		if err == nil {
			p.cpus = append(p.cpus, b)
			key := binary.NativeEndian.AppendUint32(nil, uint32(cpu))
			err = sys.MapUpdate(fd, key, binary.NativeEndian.AppendUint32(nil, uint32(b.fd)))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make packet buffer of CPU %d: %w", cpu, err), p.close())
		}
	}
	return p, nil
}

func newPerfBuffer(cpu, size int) (perfBuffer, error) {
	fd, err := sys.PerfOutput(cpu)
	if err != nil {
		return perfBuffer{}, fmt.Errorf("open perf event: %w", err)
	}
	page := os.Getpagesize()
	mem, err := sys.MmapWrite(fd, 0, page+size)
	if err != nil {
		return perfBuffer{}, errors.Join(fmt.Errorf("map %d bytes: %w", size, err), sys.Close(fd))
	}
	b := perfBuffer{fd: fd, mem: mem, data: mem[page:]}
	if err := sys.PerfEnable(fd); err != nil {
		return perfBuffer{}, errors.Join(fmt.Errorf("enable perf event: %w", err), b.close())
	}
	return b, nil
}

func (b *perfBuffer) word(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&b.mem[offset])) }

// fds are the descriptors to wait for.
func (p *perfBuffers) fds() []int {
	if p == nil {
		return nil
	}
	var fds []int
	for i := range p.cpus {
		fds = append(fds, p.cpus[i].fd)
	}
	return fds
}

// mark lets take go as far as the buffers are filled now.
func (p *perfBuffers) mark() {
	if p == nil {
		return
	}
	for i := range p.cpus {
		b := &p.cpus[i]
		b.until = atomic.LoadUint64(b.word(perfHead))
	}
}

// take gives back the packet leased before and leases the next one up to the mark; nil:
// there's none. The CPUs take turns.
func (p *perfBuffers) take() []byte {
	if p == nil {
		return nil
	}
	for range p.cpus {
		b := &p.cpus[p.next]
		p.next = (p.next + 1) % len(p.cpus)
		if rec := b.take(); rec != nil {
			return rec
		}
	}
	return nil
}

func (b *perfBuffer) take() []byte {
	if b.lease != 0 {
		b.give(b.lease)
		b.lease = 0
	}
	for b.tail < b.until {
		mask := uint64(len(b.data) - 1)
		at := b.tail & mask
		// An event is of whole words of 8 bytes, so that its header doesn't wrap.
		kind, size := binary.NativeEndian.Uint32(b.data[at:]), uint64(binary.NativeEndian.Uint16(b.data[at+6:]))
		if size < perfHeader || size > b.until-b.tail {
			b.give(b.until - b.tail) // not as the kernel writes it: nothing behind can be read
			break
		}
		event := b.data[at:min(at+size, uint64(len(b.data)))]
		if uint64(len(event)) < size {
			b.whole = append(append(b.whole[:0], event...), b.data[:size-uint64(len(event))]...)
			event = b.whole
		}
		if kind == perfSample && size >= perfRaw {
			b.lease = size
			n := min(uint64(binary.NativeEndian.Uint32(event[perfHeader:])), size-perfRaw)
			return event[perfRaw : perfRaw+n : perfRaw+n]
		}
		b.give(size)
	}
	return nil
}

// give gives back the buffer's next n bytes.
func (b *perfBuffer) give(n uint64) {
	b.tail += n
	atomic.StoreUint64(b.word(perfTail), b.tail)
}

func (b *perfBuffer) close() error {
	return errors.Join(sys.Munmap(b.mem), sys.Close(b.fd))
}

func (p *perfBuffers) close() error {
	if p == nil {
		return nil
	}
	var errs []error
	for i := range p.cpus {
		errs = append(errs, p.cpus[i].close())
	}
	p.cpus = nil
	return errors.Join(errs...)
}

// packetsMinKB is the least size of a CPU's buffer in KiB when nobody says one: it holds
// the longest packet.
const packetsMinKB = 128

// perfSize is the size in bytes of one CPU's packet buffer: its share of what one ring
// buffer has.
func perfSize(opt int, o *object.Object, available uint64, cpus int) int {
	total := int(ringSize(opt, o, available))
	share := max((total+cpus-1)/cpus, os.Getpagesize())
	if opt == 0 && o.Config.PerfRBPages == 0 {
		share = max(share, packetsMinKB*1024)
	}
	return 1 << bits.Len64(uint64(share-1))
}

// openPackets makes the buffers of the object's map for packets; nil: it has none.
func (s *session) openPackets() (*perfBuffers, error) {
	for i, m := range s.obj.Maps {
		if m.Kind != object.MapPerfEventArray {
			continue
		}
		cpus, err := s.kernel.OnlineCPUs()
		if err != nil {
			return nil, err
		}
		available, err := sys.AvailableMemory()
		if err != nil {
			s.opt.Logf("%v", err)
		}
		return newPerfBuffers(s.maps[i].fd, cpus, perfSize(s.opt.RingSize, s.obj, available, len(cpus)))
	}
	return nil, nil
}
