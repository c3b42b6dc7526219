package cli

import (
	"errors"
	"slices"

	"github.com/skep-bpf/skep/internal/inspect"
)

// progAttachTypes are what `prog attach` knows: hooks of sockets and of flows.
var progAttachTypes = []string{"sk_msg_verdict", "sk_skb_verdict", "sk_skb_stream_verdict", "sk_skb_stream_parser", "flow_dissector"}

// attachWords reads PROG ATTACH_TYPE [MAP].
func (b *bpfRun) attachWords() (prog, m *inspect.Object, typ uint32, err error) {
	if prog, err = b.one(inspect.KindProg, false); err != nil {
		return nil, nil, 0, err
	}
	fail := func(err error) (*inspect.Object, *inspect.Object, uint32, error) {
		if m != nil {
			err = errors.Join(err, m.Close())
		}
		return nil, nil, 0, errors.Join(err, prog.Close())
	}
	w, err := b.next("the attach type")
	if err != nil {
		return fail(err)
	}
	typ, _ = inspect.AttachType(w)
	name, _ := inspect.TypeName(inspect.AttachTypes, typ)
	if !slices.Contains(progAttachTypes, name) {
		return fail(usagef("a program is attached as %s, not as %q%s; see `skep cgroup` and `skep net` for others", oneOfWords(progAttachTypes), w, didYouMean(w, progAttachTypes)))
	}
	if name != "flow_dissector" {
		if m, err = b.one(inspect.KindMap, true); err != nil {
			return fail(err)
		}
	}
	if err := b.done(); err != nil {
		return fail(err)
	}
	return prog, m, typ, nil
}

// progAttach attaches a program to a map of sockets, or as the flow dissector.
func progAttach(attach bool) func(*bpfRun) error {
	return func(b *bpfRun) error {
		prog, m, typ, err := b.attachWords()
		if err != nil {
			return err
		}
		if attach {
			err = inspect.AttachToMap(prog, m, typ)
		} else {
			err = inspect.DetachFromMap(prog, m, typ)
		}
		if m != nil {
			err = errors.Join(err, m.Close())
		}
		if err == nil {
			b.null()
		}
		return errors.Join(err, prog.Close())
	}
}
