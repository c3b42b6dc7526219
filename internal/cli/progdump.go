package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/draw"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// dumpFlags are the words, or flags, behind `prog dump xlated PROG`.
type dumpFlags struct {
	show.ListingOptions
	visual, svg bool
	file        string
}

func (d *dumpFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&d.Opcodes, "opcodes", false, "print the instructions' bytes")
	f.BoolVar(&d.Linum, "linum", false, "print file, line and column of the source")
	f.BoolVar(&d.visual, "visual", false, "draw the control-flow graph, in DOT")
	f.BoolVar(&d.svg, "svg", false, "draw the control-flow graph, as SVG")
}

// read reads bpftool's words.
func (d *dumpFlags) read(b *bpfRun) error {
	for b.more() {
		switch {
		case b.take("file"):
			var err error
			if d.file, err = b.next("the file"); err != nil {
				return err
			}
		case b.take("opcodes"):
			d.Opcodes = true
		case b.take("linum"):
			d.Linum = true
		case b.take("visual"):
			d.visual = true
		case b.take("svg"):
			d.svg = true
		default:
			return b.unexpected("file", "opcodes", "linum", "visual", "svg")
		}
	}
	switch {
	case d.file != "" && (d.Opcodes || d.Linum || d.visual || d.svg):
		return usagef("file takes the instructions as they are: no opcodes, linum or visual with it")
	case b.out.JSON != nil && (d.visual || d.svg):
		return usagef("visual isn't JSON")
	}
	return nil
}

// progDump is `prog dump xlated|jited PROG …`.
func progDump(d *dumpFlags) func(*bpfRun) error {
	return func(b *bpfRun) error {
		xlated := b.take("xlated")
		if !xlated && !b.take("jited") {
			return usagef("which instructions? xlated, the kernel's translation, or jited, the machine's")
		}
		s, err := b.selector(inspect.KindProg)
		if err != nil {
			return err
		}
		if err := d.read(b); err != nil {
			return err
		}
		objs, err := b.reader.Open(inspect.KindProg, s, false)
		if err != nil {
			return err
		}
		many := len(objs) > 1
		if many && (d.file != "" || d.visual || d.svg) {
			return errors.Join(usagef("%d programs have %s; tell which by its id", len(objs), s), inspect.CloseAll(objs))
		}
		if many {
			b.open("[")
		}
		for i, o := range objs {
			if err := d.one(b, o, xlated, many, i == len(objs)-1); err != nil {
				return errors.Join(err, inspect.CloseAll(objs))
			}
		}
		if many {
			b.end("]")
		}
		return inspect.CloseAll(objs)
	}
}

func (d *dumpFlags) one(b *bpfRun, o *inspect.Object, xlated, many, last bool) error {
	c, err := b.reader.Code(o.FD)
	if err != nil {
		return err
	}
	b.lacking(c.Prog.Missing)
	if d.file != "" {
		return d.write(b, c, xlated)
	}
	switch {
	case many && b.out.JSON != nil:
		b.open("{")
		b.out.ProgHeaderJSON(c.Prog)
		b.out.JSON.Name("insns")
	case many:
		b.out.ProgHeader(c.Prog)
	}
	if xlated {
		err = d.xlated(b, c)
	} else {
		err = d.jited(b, c)
	}
	if err != nil {
		return err
	}
	if many {
		b.end("}")
		if b.out.JSON == nil && !last {
			fmt.Fprintln(b.out.Text)
		}
	}
	return nil
}

func (d *dumpFlags) xlated(b *bpfRun, c *inspect.Code) error {
	insns, err := b.reader.XlatedInsns(c)
	if err != nil {
		return err
	}
	if !d.visual && !d.svg {
		b.out.Xlated(c, insns, d.ListingOptions)
		return nil
	}
	g, err := inspect.FlowGraph(c, insns, d.Opcodes, d.Linum)
	if err != nil {
		return err
	}
	return d.draw(b, g)
}

func (d *dumpFlags) jited(b *bpfRun, c *inspect.Code) error {
	funcs, err := b.reader.JitedFuncs(c)
	if err != nil {
		return err
	}
	if !d.visual && !d.svg {
		b.out.Jited(funcs, d.ListingOptions)
		return nil
	}
	return d.draw(b, inspect.MachineFlowGraph(c, funcs, d.Opcodes, d.Linum))
}

func (d *dumpFlags) draw(b *bpfRun, g *draw.Graph) error {
	if d.svg {
		return g.SVG(b.out.Text)
	}
	return g.DOT(b.out.Text)
}

// write writes the instructions' bytes to a file.
func (d *dumpFlags) write(b *bpfRun, c *inspect.Code, xlated bool) error {
	code := c.Jited
	if xlated {
		code = c.Xlated
	}
	if len(code) == 0 {
		return fmt.Errorf("write instructions of program %d: %w", c.Prog.ID, inspect.ErrHidden)
	}
	if err := os.WriteFile(d.file, code, 0o600); err != nil {
		return fmt.Errorf("write instructions of program %d: %w", c.Prog.ID, err)
	}
	b.null()
	return nil
}
