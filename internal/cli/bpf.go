package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// bpfFlags are the flags that bpftool has for all objects.
type bpfFlags struct {
	json, pretty, pins, noPids bool
	debug, light               bool   // of verbs that load objects
	base                       string // of types
}

// bpfRun is a run of one of bpftool's verbs: its words, and where it reads and prints.
type bpfRun struct {
	*app
	flags  *bpfFlags
	reader *inspect.Reader
	out    *show.Printer
	words  []string // that aren't read yet
	lacks  []error  // fields that weren't to be had
}

// verb is one of bpftool's verbs.
type verb struct {
	use, short string
	long       string
	example    string
	aliases    []string
	flags      func(c *cobra.Command) // nil: none of its own
	run        func(*bpfRun) error
	wordy      bool // it does nothing without words: its object, without a verb, tells the verbs
}

// object makes the command of one of bpftool's objects. Without a verb it does the first;
// verbs may be cut short as bpftool's may, of which those in bpftool's order count: `skep map d`
// is dump.
func (a *app) object(name, short string, verbs []verb) *cobra.Command {
	flags := new(bpfFlags)
	c := &cobra.Command{Use: name + " [VERB]", Short: short, Args: cobra.ArbitraryArgs}
	f := c.PersistentFlags()
	f.BoolVarP(&flags.json, "json", "j", false, "print JSON")
	f.BoolVarP(&flags.pretty, "pretty", "p", false, "print JSON, indented")
	f.BoolVarP(&flags.pins, "bpffs", "f", false, "tell where objects are pinned")
	f.BoolVar(&flags.noPids, "no-pids", false, "don't look for the processes that hold objects")
	f.BoolVarP(&flags.debug, "debug", "d", false, "when loading, write the verifier's log of each program to standard error")
	f.StringVarP(&flags.base, "base-btf", "B", "", "types that are read build on those of `FILE`")
	// bpftool's others: nothing is mounted here anyway, and maps' definitions may have any members.
	f.BoolP("nomount", "n", false, "")
	f.BoolP("mapcompat", "m", false, "")
	f.BoolVarP(&flags.light, "use-loader", "L", false, "")
	for _, name := range []string{"nomount", "mapcompat", "use-loader"} {
		if err := f.MarkHidden(name); err != nil {
			panic("BUG: " + err.Error())
		}
	}
	var subs []*cobra.Command
	for i := range verbs {
		v := &verbs[i]
		sub := a.command(&cobra.Command{
			Use: v.use, Short: v.short, Long: v.long, Example: v.example, Aliases: v.aliases,
			Args: cobra.ArbitraryArgs,
			RunE: func(_ *cobra.Command, args []string) error { return a.runVerb(flags, v.run, args) },
		})
		if v.flags != nil {
			v.flags(sub)
		}
		subs = append(subs, sub)
	}
	subs = append(subs, a.lackingVerbs(name)...)
	c.AddCommand(subs...)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 && verbs[0].wordy {
			args = []string{"help"}
		}
		if len(args) == 0 {
			return a.runVerb(flags, verbs[0].run, nil)
		}
		names := []string{"help"}
		for _, sub := range subs {
			for _, name := range append([]string{sub.Name()}, sub.Aliases...) {
				names = append(names, name)
				if isWord(args[0], name) {
					return sub.RunE(sub, args[1:])
				}
			}
		}
		if isWord(args[0], "help") {
			a.help(c, nil)
			return nil
		}
		return usagef("%s: there is no verb %q%s\nsee `%s -h`", c.CommandPath(), args[0], didYouMean(args[0], names), c.CommandPath())
	}
	return c
}

// runVerb runs a verb and ends its output. A reader that goes away ends it without words.
func (a *app) runVerb(flags *bpfFlags, run func(*bpfRun) error, words []string) error {
	k := kern.New(os.DirFS("/"))
	r := inspect.New(k, os.DirFS("/"))
	b := &bpfRun{app: a, flags: flags, reader: r, words: words}
	b.out = show.NewPrinter(b.terminal(), r, flags.json || flags.pretty, flags.pretty)
	err := run(b)
	if j := b.out.JSON; j != nil && err != nil && !errors.As(err, new(exitStatus)) {
		if j.Fail(err) {
			err = toldError{err}
		} else {
			err = lateError{err}
		}
	}
	cerr := b.out.Close()
	b.tellLacks()
	if errors.Is(cerr, syscall.EPIPE) || errors.Is(err, syscall.EPIPE) {
		return errors.Join(exit(exitPipe), k.Close())
	}
	if errors.Is(err, cerr) {
		cerr = nil // it's told once
	}
	return errors.Join(err, cerr, k.Close())
}

// terminal is where text is printed: in ASCII on a terminal whose locale has no more.
func (b *bpfRun) terminal() io.Writer {
	if f, ok := b.app.out.(*os.File); ok && !b.flags.json && !b.flags.pretty && asciiLocale() && sys.TerminalWidth(int(f.Fd())) > 0 {
		return show.ASCIIWriter(f)
	}
	return b.app.out
}

// asciiLocale reports whether the environment asks for a character set other than UTF-8.
func asciiLocale() bool {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	if locale == "C" || locale == "POSIX" {
		return true
	}
	_, charset, ok := strings.Cut(locale, ".")
	charset, _, _ = strings.Cut(charset, "@")
	return ok && !strings.EqualFold(strings.ReplaceAll(charset, "-", ""), "utf8")
}

// toldError is an error that the JSON tells too.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// lateError is an error behind JSON that is complete: a second value would make it none.
type lateError struct{ error }

func (e lateError) Unwrap() error { return e.error }

// exitPipe is the status that a shell gives a command whose reader went away.
const exitPipe = 128 + int(syscall.SIGPIPE)

// lacking keeps fields that weren't to be had, for a warning at the end.
func (b *bpfRun) lacking(missing []error) { b.lacks = append(b.lacks, missing...) }

func (b *bpfRun) tellLacks() {
	const most = 3
	for i, err := range b.lacks {
		if i == most {
			fmt.Fprintf(b.err, "WARNING: and %d more\n", len(b.lacks)-most)
			break
		}
		fmt.Fprintf(b.err, "WARNING: %v\n", err)
	}
}

// isWord reports whether s is the word or a beginning of it, as bpftool takes them.
func isWord(s, word string) bool { return s != "" && strings.HasPrefix(word, s) }

// more reports whether words are left.
func (b *bpfRun) more() bool { return len(b.words) > 0 }

// take reads the next word when it's the one.
func (b *bpfRun) take(word string) bool {
	if !b.more() || !isWord(b.words[0], word) {
		return false
	}
	b.words = b.words[1:]
	return true
}

// next reads the next word, whatever it is.
func (b *bpfRun) next(what string) (string, error) {
	if !b.more() {
		return "", usagef("%s is missing", what)
	}
	w := b.words[0]
	b.words = b.words[1:]
	return w, nil
}

// didYouMean is the word that may have been meant, behind a message: "; did you mean dump?".
func didYouMean(word string, words []string) string {
	if near, ok := diag.Nearest(word, words); ok {
		return "; did you mean " + near + "?"
	}
	return ""
}

// oneOfWords is "a, b or c".
func oneOfWords(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// unexpected is the error for a next word that is none of some.
func (b *bpfRun) unexpected(words ...string) error {
	w := b.words[0]
	return usagef("expected %s, not %q%s", oneOfWords(words), w, didYouMean(w, words))
}

// done wants no more words.
func (b *bpfRun) done() error {
	if b.more() {
		return usagef("%q isn't understood here", strings.Join(b.words, " "))
	}
	return nil
}

// selectorWords are the words that a kind of object is told by.
var selectorWords = map[inspect.Kind][]string{
	inspect.KindProg: {"id", "pinned", "tag", "name"}, inspect.KindMap: {"id", "pinned", "name"},
	inspect.KindLink: {"id", "pinned"}, inspect.KindBTF: {"id"},
}

// selectorValues are what stands behind these words.
var selectorValues = map[string]string{"id": "the id", "pinned": "the path", "tag": "the tag", "name": "the name"}

// selector reads "id N", "tag T", "name S" or "pinned FILE".
func (b *bpfRun) selector(k inspect.Kind) (inspect.Selector, error) {
	return b.selectorOf(selectorWords[k]...)
}

// selectorOf is selector by some words only.
func (b *bpfRun) selectorOf(by ...string) (inspect.Selector, error) {
	for _, w := range by {
		if b.take(w) {
			v, err := b.next(selectorValues[w])
			return inspect.Selector{By: w, Value: v}, err
		}
	}
	if !b.more() {
		return inspect.Selector{}, usagef("which? give %s", oneOfWords(by))
	}
	return inspect.Selector{}, b.unexpected(by...)
}

// one opens the object that the next words tell.
func (b *bpfRun) one(k inspect.Kind, write bool) (*inspect.Object, error) {
	s, err := b.selector(k)
	if err != nil {
		return nil, err
	}
	return b.reader.OpenOne(k, s, write)
}

// described does what listing needs: who holds the objects, and where they are pinned. The
// holders are looked for while the list is read; the caller waits for that in the end.
func (b *bpfRun) described() (wait func(), err error) {
	wait = func() {}
	if !b.flags.noPids {
		search := b.reader.Sibling()
		done := make(chan struct{})
		var owners *inspect.Owners
		var failed error
		go func() {
			owners, failed = search.Owners()
			close(done)
		}()
		b.out.Owners = sync.OnceValue(func() *inspect.Owners {
			<-done
			if failed != nil {
				b.lacking([]error{failed})
			}
			return owners
		})
		wait = func() { b.out.Owners() }
	}
	if !b.flags.pins {
		return wait, nil
	}
	pins, err := b.reader.Pins()
	for _, p := range pins {
		if p.Err != nil {
			b.lacking([]error{p.Err})
		}
	}
	b.out.SetPins(pins)
	return wait, err
}

// null ends a verb that has nothing to print: bpftool's JSON is null then.
func (b *bpfRun) null() {
	if b.out.JSON != nil {
		b.out.JSON.Raw("null")
	}
}

// open and end put brackets around a list in JSON.
func (b *bpfRun) open(bracket string) {
	if b.out.JSON != nil {
		b.out.JSON.Open(bracket)
	}
}

func (b *bpfRun) end(bracket string) {
	if b.out.JSON != nil {
		b.out.JSON.End(bracket)
	}
}

// pin pins the object that the words tell: "id 5 /sys/fs/bpf/x".
func pin(k inspect.Kind) func(*bpfRun) error {
	return func(b *bpfRun) error {
		o, err := b.one(k, k == inspect.KindMap)
		if err != nil {
			return err
		}
		path, err := b.next("the path")
		if err == nil {
			err = b.done()
		}
		if err == nil {
			err = inspect.PinAt(o, path)
		}
		if err == nil {
			b.null()
		}
		return errors.Join(err, o.Close())
	}
}
