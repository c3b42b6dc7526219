package sys

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OutputRecord is a record of bpf_perf_event_output(). Data is the reader's until the next call.
type OutputRecord struct {
	Kind       uint32 // RecordSample, RecordLost or another of enum perf_event_type
	Size       uint16 // of the record
	CPU, Index int
	Time       uint64 // RecordSample: ns of the kernel's clock of perf events
	Data       []byte // RecordSample
	ID, Lost   uint64 // RecordLost: the event's id, and how many found no room
}

// Kinds of records (enum perf_event_type).
const (
	RecordSample = recordSample
	RecordLost   = recordLost
)

// OutputEvents are perf events that bpf_perf_event_output() writes to, each with its buffer.
type OutputEvents struct {
	rings perfRings
	cpus  []int
	index []int
	polls []unix.PollFd
}

// Add opens an event of a CPU and puts it into a map of perf events. It's in the map until the
// map's descriptor is closed.
func (p *OutputEvents) Add(mapFD, cpu, index int) error {
	fd, err := openOutput(cpu, unix.PERF_SAMPLE_RAW|unix.PERF_SAMPLE_TIME)
	if err != nil {
		return fmt.Errorf("open perf event of CPU %d: %w", cpu, err)
	}
	if err := p.rings.add(fd, ringPages); err != nil {
		return fmt.Errorf("CPU %d: %w", cpu, err)
	}
	p.cpus, p.index = append(p.cpus, cpu), append(p.index, index)
	p.polls = append(p.polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	key := binary.NativeEndian.AppendUint32(nil, uint32(index))
	if err := MapUpdate(mapFD, key, binary.NativeEndian.AppendUint32(nil, uint32(fd))); err != nil {
		return fmt.Errorf("set element %d: %w", index, err)
	}
	return nil
}

// Wait returns when there are records, or after some milliseconds.
func (p *OutputEvents) Wait(ms int) error {
	if _, err := unix.Poll(p.polls, ms); err != nil && err != unix.EINTR {
		return os.NewSyscallError("poll", err)
	}
	return nil
}

// Each calls f with the records since the last call, CPU by CPU.
func (p *OutputEvents) Each(f func(OutputRecord)) {
	for i := range p.rings {
		p.rings[i].records(func(rec []byte) {
			r := parseOutput(rec)
			r.CPU, r.Index = p.cpus[i], p.index[i]
			f(r)
		})
	}
}

// parseOutput reads a record (include/uapi/linux/perf_event.h): of a sample u64 time, u32 size and
// the data, of a loss u64 id, lost.
func parseOutput(rec []byte) OutputRecord {
	ne := binary.NativeEndian
	r := OutputRecord{Kind: ne.Uint32(rec), Size: ne.Uint16(rec[6:])}
	switch body := rec[8:]; {
	case r.Kind == RecordSample && len(body) >= 12:
		r.Time = ne.Uint64(body)
		r.Data = body[12:][:min(int(ne.Uint32(body[8:])), len(body)-12)]
	case r.Kind == RecordLost && len(body) >= 16:
		r.ID, r.Lost = ne.Uint64(body), ne.Uint64(body[8:])
	}
	return r
}

// Close closes the events.
func (p *OutputEvents) Close() error {
	rings := p.rings
	p.rings = nil
	return rings.close()
}
