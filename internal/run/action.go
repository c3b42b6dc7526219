package run

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// actions holds what doing actions reuses from one record to the next.
type actions struct {
	text   []byte
	places [][]output.Place // by action, once made
	headed map[int]bool     // print_csv's that have printed their header
}

// record does what a record asks for.
func (r *runner) record(rec []byte) error {
	n, extra, err := event.Header(rec)
	if err != nil {
		return err
	}
	if n >= len(r.Object.Actions) {
		return fmt.Errorf("read record: action %d of %d", n, len(r.Object.Actions))
	}
	a := r.Object.Actions[n]
	if err := r.act(a, n, extra, rec); err != nil {
		return err
	}
	if r.Buffering == BufferNone {
		return r.Sink.Flush()
	}
	return nil
}

// act does one action. What goes wrong in the script's own doing is a message; an
// error ends the session.
func (r *runner) act(a *object.Action, n int, extra uint32, rec []byte) error {
	switch a.Kind {
	case object.ActionPrintf:
		text, err := r.format(a, rec)
		r.Sink.Printf(text)
		return err
	case object.ActionErrorf, object.ActionWarnf:
		return r.message(a, n, rec)
	case object.ActionPrint:
		return r.print(a, rec)
	case object.ActionPrintMap:
		switch a.Style {
		case "":
		case "csv":
			return r.printCSV(a, n, rec)
		default:
			return r.printBCC(a)
		}
		return r.printMap(a, rec)
	case object.ActionClear:
		return r.dec.Clear(r.Object.Vars[a.Var])
	case object.ActionZero:
		return r.dec.Zero(r.Object.Vars[a.Var])
	case object.ActionTime:
		return r.time(a, rec)
	case object.ActionExit:
		r.exit, r.ended = int(int32(extra)), true
	case object.ActionCat:
		return r.cat(a, rec)
	case object.ActionSystem:
		return r.system(a, rec)
	case object.ActionJoin:
		return r.join(a, rec)
	case object.ActionSkboutput:
		return r.packet(a, n, rec)
	case object.ActionUnwatch:
		return r.unwatch(a, rec)
	case object.ActionError:
		return r.runtimeError(a, extra, rec)
	default:
		return fmt.Errorf("do action %d: not supported yet", a.Kind)
	}
	return nil
}

// time prints when the event was.
func (r *runner) time(a *object.Action, rec []byte) error {
	v, err := r.dec.Arg(&a.Args[0], rec)
	if err != nil {
		return err
	}
	r.actions.text = r.dec.AppendTime(r.actions.text[:0], a.Text, r.dec.Time(object.ClockBoot, v.Num))
	r.Sink.Time(r.actions.text)
	return nil
}

// unwatch removes the watchpoints at an address. One that has none is a mistake of the
// script, which doesn't end it.
func (r *runner) unwatch(a *object.Action, rec []byte) error {
	addr, err := r.dec.Arg(&a.Args[0], rec)
	if err != nil {
		return err
	}
	w, ok := r.s.(engine.Unwatcher)
	if !ok {
		return errors.New("remove a watchpoint: this engine has none")
	}
	n, err := w.Unwatch(addr.Num)
	if err != nil {
		return err
	}
	if n == 0 {
		text := fmt.Appendf(nil, "unwatch: no watchpoint at %#x", addr.Num)
		r.Sink.Message(output.Warning, text, output.PlacesOf(r.Object.Sources, a.Span))
	}
	return nil
}

// format is an action's text, valid until the next one.
func (r *runner) format(a *object.Action, rec []byte) ([]byte, error) {
	text, err := output.AppendFormat(r.actions.text[:0], r.dec, a.Format, a.Args, rec)
	r.actions.text = text
	return text, err
}

func (r *runner) message(a *object.Action, n int, rec []byte) error {
	text, err := r.format(a, rec)
	if err != nil {
		return err
	}
	if r.actions.places[n] == nil {
		r.actions.places[n] = output.PlacesOf(r.Object.Sources, a.Span)
	}
	sev := output.Warning
	if a.Kind == object.ActionErrorf {
		sev = output.Error
	}
	r.Sink.Message(sev, text, r.actions.places[n])
	return nil
}

// print prints a value, or an element of a map with its key. Of aggregations the record
// has the key alone, since their value is made of all CPUs'.
func (r *runner) print(a *object.Action, rec []byte) error {
	first, err := r.dec.Arg(&a.Args[0], rec)
	if err != nil {
		return err
	}
	if a.Var < 0 {
		r.Sink.Value(&first)
		return nil
	}
	v := r.Object.Vars[a.Var]
	e := event.Entry{Key: first}
	if len(a.Args) > 1 {
		e.Value, err = r.dec.Arg(&a.Args[1], rec)
	} else {
		e.Value, err = r.element(v, &a.Args[0], rec)
	}
	if err != nil {
		return err
	}
	if a.Raw {
		r.Sink.Value(&e.Value)
		return nil
	}
	r.Sink.Map(&event.Snapshot{Var: v, Entries: []event.Entry{e}})
	return nil
}

// element is the value in v of the key that stands in the record; zero when there's none.
func (r *runner) element(v *object.Var, key *object.Field, rec []byte) (event.Value, error) {
	end := uint64(key.Offset) + uint64(key.Type.Bytes())
	if end > uint64(len(rec)) {
		return event.Value{}, fmt.Errorf("read record: key of %s ends at %d of %d bytes", v.Name, end, len(rec))
	}
	value, ok, err := r.dec.Element(v, rec[key.Offset:end])
	if err == nil && !ok {
		return r.dec.Value(v.Value, make([]byte, v.Value.Bytes()))
	}
	return value, err
}

func (r *runner) printMap(a *object.Action, rec []byte) error {
	snap, err := r.snapshot(a, rec)
	if err != nil {
		return err
	}
	r.Sink.Map(snap)
	return nil
}

// snapshot is what an action prints of a map; how much of it may be known only now.
func (r *runner) snapshot(a *object.Action, rec []byte) (*event.Snapshot, error) {
	sel := event.Select{Top: a.Top, Div: a.Div, Zero: true}
	for i := range a.Args {
		v, err := r.dec.Arg(&a.Args[i], rec)
		if err != nil {
			return nil, err
		}
		switch a.Args[i].Name {
		case "top":
			sel.Top = v.Num
		case "div":
			sel.Div = v.Num
		}
	}
	return r.dec.Snapshot(r.Object.Vars[a.Var], sel)
}

// cat prints the start of a file.
func (r *runner) cat(a *object.Action, rec []byte) error {
	path, err := r.format(a, rec)
	if err != nil {
		return err
	}
	f, err := os.Open(string(path))
	if err != nil {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "failed to open file '%s' (%s)", path, reason(err)), nil)
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(r.Object.Config.MaxCatBytes)))
	if err != nil {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "read file '%s': %v", path, err), nil)
		return nil
	}
	r.Sink.Cat(text)
	return nil
}

// reason is an error in the words of strerror(3).
func reason(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// system runs a shell command and prints what it prints, and that it failed.
func (r *runner) system(a *object.Action, rec []byte) error {
	command, err := r.format(a, rec)
	if err != nil {
		return err
	}
	if !r.Options.Unsafe {
		r.Sink.Message(output.Error, []byte("system() not allowed in safe mode. Use '--unsafe'."), nil)
		return nil
	}
	if err := r.Sink.Flush(); err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", string(command))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	text, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		r.Sink.Message(output.Error, fmt.Appendf(nil, "run command: %v", err), nil)
		return nil
	}
	if status == nil || len(text) > 0 {
		r.Sink.System(text)
	}
	switch {
	case status == nil:
	case status.Exited():
		r.Sink.Message(output.Error, fmt.Appendf(nil, "command exited with code %d", status.ExitCode()), nil)
	default:
		r.Sink.Message(output.Error, fmt.Appendf(nil, "child process did not exit normally: %v", status), nil)
	}
	return nil
}

// join prints strings up to the first empty one.
func (r *runner) join(a *object.Action, rec []byte) error {
	text := r.actions.text[:0]
	for i := range a.Args {
		v, err := r.dec.Arg(&a.Args[i], rec)
		if err != nil {
			return err
		}
		if len(v.Bytes) == 0 {
			break
		}
		if i > 0 {
			text = append(text, a.Text...)
		}
		text = append(append(text, v.Bytes...), v.Text...)
	}
	r.actions.text = text
	r.Sink.Join(text)
	return nil
}

// runtimeError tells of a helper's failure; site is its index among the object's.
func (r *runner) runtimeError(a *object.Action, site uint32, rec []byte) error {
	if int(site) >= len(r.Object.Errors) {
		return fmt.Errorf("read record: error site %d of %d", site, len(r.Object.Errors))
	}
	e := r.Object.Errors[site]
	if e.Count != 0 {
		r.refused++
	}
	var v event.Value
	if len(a.Args) > 0 {
		var err error
		if v, err = r.dec.Arg(&a.Args[0], rec); err != nil {
			return err
		}
	}
	r.Sink.RuntimeError(&output.RuntimeError{
		Helper: e.Helper, Code: int32(v.Num), Msg: e.Msg, At: output.PlacesOf(r.Object.Sources, e.Span),
	})
	return nil
}
