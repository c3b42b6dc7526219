package run

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/output"
	"github.com/skep-bpf/skep/internal/output/pcap"
)

// packetFile is where the packets of a skboutput() go.
type packetFile struct {
	*pcap.Writer
	iface uint32
}

// openCaptures makes the files of skboutput(), one a path.
func (r *runner) openCaptures() error {
	files := map[string]*pcap.Writer{}
	for n, a := range r.Object.Actions {
		if a.Kind != object.ActionSkboutput {
			continue
		}
		path := filepath.Clean(a.Text)
		if files[path] == nil {
			w, err := pcap.Create(path, "skep", r.Script)
			if err != nil {
				return errors.Join(err, r.closeCaptures())
			}
			files[path] = w
			r.files = append(r.files, w)
		}
		if r.captures == nil {
			r.captures = make([]packetFile, len(r.Object.Actions))
		}
		r.captures[n] = packetFile{files[path], files[path].Interface(a.Probe)}
	}
	if r.flushCaptures() != nil {
		return r.closeCaptures()
	}
	return nil
}

// packet writes a packet to its file. A file that can't be written doesn't end the session.
func (r *runner) packet(a *object.Action, n int, rec []byte) error {
	var num [4]uint64
	for i := range num {
		v, err := r.dec.Arg(&a.Args[i], rec)
		if err != nil {
			return err
		}
		num[i] = v.Num
	}
	time, copied, length, offset := num[0], num[1], num[2], num[3]
	data := rec[a.Size:]
	data = data[:min(copied, uint64(len(data)))] // the kernel fills up to a whole word
	if r.captures == nil || offset >= uint64(len(data)) {
		return nil
	}
	to := r.captures[n]
	if err := to.Packet(to.iface, r.Boot+int64(time), data[offset:], uint32(length-offset)); err != nil {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "%v", err), output.PlacesOf(r.Object.Sources, a.Span))
	}
	return nil
}

// flushCaptures writes what the files' buffers have; the error is the first that's new.
func (r *runner) flushCaptures() error {
	var errs []error
	for _, w := range r.files {
		errs = append(errs, w.Flush())
	}
	return errors.Join(errs...)
}

// closeCaptures ends the files.
func (r *runner) closeCaptures() error {
	var errs []error
	for _, w := range r.files {
		errs = append(errs, w.Close())
	}
	r.files = nil
	return errors.Join(errs...)
}
