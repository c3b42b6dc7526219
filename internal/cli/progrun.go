package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// runWords are the words behind `prog run PROG`. A file "-" is standard input or output.
type runWords struct {
	files  map[string]string // data_in, data_out, ctx_in, ctx_out
	sizes  map[string]uint32 // data_size_out, ctx_size_out
	repeat uint32
}

// outRoom is the room for what a program leaves when no size is given.
const outRoom = 32 << 10

func (b *bpfRun) runWords() (*runWords, error) {
	w := &runWords{files: map[string]string{}, sizes: map[string]uint32{}, repeat: 1}
	number := func(what string) (uint32, error) {
		s, err := b.next(what)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseUint(s, 0, 31)
		if err != nil {
			return 0, usagef("%s is a number, not %q", what, s)
		}
		return uint32(n), nil
	}
	for b.more() {
		word, err := b.runWord()
		if err != nil {
			return nil, err
		}
		switch word {
		case "repeat":
			w.repeat, err = number("the number of runs")
		case "data_size_out", "ctx_size_out":
			w.sizes[word], err = number("the size of " + word)
		default:
			w.files[word], err = b.next("the file of " + word)
		}
		if err != nil {
			return nil, err
		}
	}
	if w.files["data_in"] == "" && w.files["ctx_in"] == "" {
		return nil, usagef("a run takes data_in FILE, ctx_in FILE or both")
	}
	if w.files["data_in"] == "-" && w.files["ctx_in"] == "-" {
		return nil, usagef("standard input is data or context, not both")
	}
	return w, nil
}

// runWord reads one of the words that `prog run` knows, or a beginning that only one of them has.
func (b *bpfRun) runWord() (string, error) {
	all := []string{"data_in", "data_out", "data_size_out", "ctx_in", "ctx_out", "ctx_size_out", "repeat"}
	var found []string
	for _, word := range all {
		if isWord(b.words[0], word) {
			found = append(found, word)
		}
	}
	switch len(found) {
	case 0:
		return "", b.unexpected(all...)
	case 1:
		b.words = b.words[1:]
		return found[0], nil
	}
	return "", usagef("%q could be %s", b.words[0], oneOfWords(found))
}

func (b *bpfRun) readInput(path string) ([]byte, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(b.in)
	}
	return os.ReadFile(path)
}

// progRun is `prog run PROG …`.
func progRun(b *bpfRun) (err error) {
	o, err := b.one(inspect.KindProg, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	w, err := b.runWords()
	if err != nil {
		return err
	}
	run := &sys.TestRun{Repeat: w.repeat}
	if run.DataIn, err = b.readInput(w.files["data_in"]); err != nil {
		return fmt.Errorf("read data: %w", err)
	}
	if run.CtxIn, err = b.readInput(w.files["ctx_in"]); err != nil {
		return fmt.Errorf("read context: %w", err)
	}
	room := func(in []byte, size uint32) []byte {
		switch {
		case in == nil:
			return nil
		case size == 0:
			size = outRoom
		}
		return make([]byte, size)
	}
	run.DataOut, run.CtxOut = room(run.DataIn, w.sizes["data_size_out"]), room(run.CtxIn, w.sizes["ctx_size_out"])
	if err := sys.RunTest(o.FD, run); err != nil {
		return fmt.Errorf("run program: %w", explainRun(err))
	}
	b.open("{")
	if err := errors.Join(b.left("data_out", w.files["data_out"], run.DataOut), b.left("ctx_out", w.files["ctx_out"], run.CtxOut)); err != nil {
		return err
	}
	if j := b.out.JSON; j != nil {
		j.Member("retval", run.Result)
		j.Member("duration", run.Mean.Nanoseconds())
		j.End("}")
		return nil
	}
	average := ""
	if w.repeat > 1 {
		average = " (average)"
	}
	fmt.Fprintf(b.out.Text, "Return value: %d, duration%s: %dns\n", run.Result, average, run.Mean.Nanoseconds())
	return nil
}

func explainRun(err error) error {
	switch {
	case errors.Is(err, sys.ENOTSUPP):
		return fmt.Errorf("%w: the kernel can't run programs of this type for trying them", err)
	case errors.Is(err, sys.ENOSPC):
		return fmt.Errorf("%w: what the program leaves is longer than data_size_out or ctx_size_out", err)
	case errors.Is(err, sys.EINVAL):
		return fmt.Errorf("%w: the data is too short or too long for it, or it takes another context", err)
	}
	return err
}

// left prints what a program left, or writes it to a file.
func (b *bpfRun) left(name, path string, data []byte) error {
	switch {
	case len(data) == 0:
	case path == "-" && b.out.JSON != nil:
		b.out.JSON.Numbers(name, data)
	case path == "-":
		fmt.Fprint(b.out.Text, hexDump(data))
	case path != "":
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// hexDump is data as text: offset, 16 bytes a line by twos, and what of them can be printed.
func hexDump(data []byte) string {
	var s strings.Builder
	for at := 0; at < len(data); at += 16 {
		fmt.Fprintf(&s, "%07x\t", at)
		row := data[at:min(at+16, len(data))]
		for i := range 16 {
			if i < len(row) {
				fmt.Fprintf(&s, "%02x", row[i])
			} else {
				s.WriteString("  ")
			}
			if i%2 == 1 {
				s.WriteByte(' ')
			}
		}
		s.WriteString("| ")
		for i, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			s.WriteByte(c)
			if i == 7 {
				s.WriteByte(' ')
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}
