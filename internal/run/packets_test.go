package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/output/text"
)

// packetObject sends packets to the files of paths, an action each.
func packetObject(paths ...string) *object.Object {
	o := testObject("interval")
	num := func(at, size uint32) object.Field {
		return object.Field{Offset: at, Type: &object.Type{Kind: object.Int, Size: size}}
	}
	o.Actions, o.Vars = nil, nil
	for _, path := range paths {
		o.Actions = append(o.Actions, &object.Action{Kind: object.ActionSkboutput, Var: -1, Text: path, Size: 32,
			Args: []object.Field{num(8, 8), num(16, 4), num(20, 4), num(24, 8)}})
	}
	o.Actions = append(o.Actions, &object.Action{Kind: object.ActionExit, Var: -1})
	return o
}

// packet is the record of a packet of length bytes, of which those of text were copied.
func packet(action int, text string, length, offset uint64) []byte {
	b := rec(action, 0, 5_000_000_000, uint64(len(text))|length<<32, offset)
	b = append(b, text...)
	return append(b, "fill"...)
}

func TestPackets(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "b.pcap")
	o := packetObject(a, b, dir+"/./a.pcap")
	f := newFake(map[int][][]byte{0: {
		packet(0, "one", 3, 0), packet(1, "two", 3, 0), packet(2, "three", 9, 2), packet(0, "four", 4, 4), rec(3, 0),
	}})
	if errs, err := runPackets(f, o, func() {}); err != nil || errs != "" {
		t.Fatal(err, errs)
	}
	for path, want := range map[string][]string{a: {"one", "ree"}, b: {"two"}} {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got = got[24:]
		for _, text := range want {
			if len(got) < 16+len(text) || string(got[16:16+len(text)]) != text {
				t.Fatalf("%s goes on with %q, want %q", path, got, text)
			}
			got = got[16+len(text):]
		}
		if len(got) > 0 {
			t.Errorf("%s ends with %q", path, got)
		}
	}
}

// runPackets runs an object on the fake engine; started is called once it's attached.
func runPackets(f *fake, o *object.Object, started func()) (stderr string, err error) {
	var errs bytes.Buffer
	_, err = Run(context.Background(), Config{Object: o, Engine: f, Sink: text.New(io.Discard, &errs), Quiet: true,
		Started: func(engine.Session) { started() }})
	return errs.String(), err
}

// TestPacketsUnwritable wants nothing to be attached when a file can't be written.
func TestPacketsUnwritable(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "no", "a.pcap"): "no such file or directory",
		"/dev/full": "write packets: write /dev/full: no space left on device",
	} {
		f := newFake(nil)
		_, err := runPackets(f, packetObject(path), func() {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
		if log := strings.Join(f.log, " "); log != "close" {
			t.Errorf("%s: the session did %s, want close alone", path, log)
		}
	}
}

// TestPacketsLost wants the session to go on when a file can't be written any more, and to
// fail at its end.
func TestPacketsLost(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f := newFake(map[int][][]byte{0: {packet(0, strings.Repeat("x", 65000), 65000, 0), packet(0, "y", 1, 0), packet(0, strings.Repeat("z", 65000), 65000, 0), rec(1, 3)}})
	errs, err := runPackets(f, packetObject(fmt.Sprintf("/proc/self/fd/%d", w.Fd())), func() { r.Close() })
	if err == nil || !strings.Contains(err.Error(), "broken pipe (packets missing: 3)") {
		t.Errorf("the session ended with %v", err)
	}
	if n := strings.Count(errs, "ERROR: write packets: "); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, errs)
	}
	if log := strings.Join(f.log, " "); log != "attach detach close" {
		t.Errorf("the session did %s", log)
	}
}
