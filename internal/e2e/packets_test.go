//go:build linux

package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// packets shows what a pcap or pcapng file holds, in FILE.txt: `packets FILE`. Each packet is a line
//
//	NAME CAPTURED/LENGTH AGE PACKET
//
// with the interface's name, or -, AGE new or old, and the packet as far as it's known.
func packets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: packets file")
	}
	var out strings.Builder
	data := []byte(ts.ReadFile(args[0]))
	read := readPcap
	if len(data) >= 4 && binary.NativeEndian.Uint32(data) == 0x0a0d0d0a {
		read = readPcapNG
	}
	if err := read(data, &out); err != nil {
		ts.Fatalf("%s: %v\n%s", args[0], err, out.String())
	}
	ts.Logf("%s", out.String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".txt"), []byte(out.String()), 0o644))
}

// fields takes numbers from the start of b.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) bytes(n int) []byte {
	if n > len(f.b) {
		f.short = true
		return make([]byte, n)
	}
	var b []byte
	b, f.b = f.b[:n], f.b[n:]
	return b
}

func (f *fields) u16() int { return int(binary.NativeEndian.Uint16(f.bytes(2))) }
func (f *fields) u32() int { return int(binary.NativeEndian.Uint32(f.bytes(4))) }

var errShort = errors.New("the file ends within something")

func readPcap(data []byte, out *strings.Builder) error {
	f := &fields{b: data}
	magic, major, minor := f.u32(), f.u16(), f.u16()
	f.bytes(8)
	fmt.Fprintf(out, "pcap %#x version %d.%d snaplen %d link %d\n", magic, major, minor, f.u32(), f.u32())
	for len(f.b) > 0 && !f.short {
		at := time.Unix(int64(f.u32()), int64(f.u32())*1000)
		captured, length := f.u32(), f.u32()
		showPacket(out, "-", length, at, f.bytes(captured))
	}
	if f.short {
		return errShort
	}
	return nil
}

func readPcapNG(data []byte, out *strings.Builder) error {
	f := &fields{b: data}
	var names []string
	for len(f.b) > 0 && !f.short {
		kind, size := f.u32(), f.u32()
		if size < 12 || size%4 != 0 {
			return fmt.Errorf("block of %d bytes", size)
		}
		b := &fields{b: f.bytes(size - 12)}
		if again := f.u32(); again != size && !f.short {
			return fmt.Errorf("block of %d bytes ends with %d", size, again)
		}
		switch kind {
		case 0x0a0d0d0a:
			order, major, minor := b.u32(), b.u16(), b.u16()
			b.bytes(8)
			fmt.Fprintf(out, "pcapng %#x version %d.%d%s\n", order, major, minor, options(b, nil))
		case 1:
			link, _, snap := b.u16(), b.u16(), b.u32()
			name := ""
			text := options(b, &name)
			fmt.Fprintf(out, "interface %d snaplen %d link %d%s\n", len(names), snap, link, text)
			names = append(names, name)
		case 6:
			i := b.u32()
			at := time.Unix(0, int64(b.u32())<<32|int64(b.u32()))
			captured, length := b.u32(), b.u32()
			if i >= len(names) {
				return fmt.Errorf("packet of interface %d of %d", i, len(names))
			}
			showPacket(out, names[i], length, at, b.bytes(captured))
		default:
			return fmt.Errorf("block of type %#x", kind)
		}
		f.short = f.short || b.short
	}
	if f.short {
		return errShort
	}
	return nil
}

// options shows a block's options; name is the interface's.
func options(f *fields, name *string) string {
	var out strings.Builder
	for !f.short {
		code, n := f.u16(), f.u16()
		if code == 0 {
			break
		}
		value := f.bytes((n + 3) &^ 3)[:n]
		if code == 2 && name != nil {
			*name = string(value)
		}
		fmt.Fprintf(&out, " %d=%q", code, value)
	}
	return out.String()
}

// showPacket shows a UDP packet of IPv4; of others only the first bytes.
func showPacket(out *strings.Builder, name string, length int, at time.Time, p []byte) {
	age := "new"
	if d := time.Since(at); d < -time.Second || d > 10*time.Minute {
		age = "old"
	}
	fmt.Fprintf(out, "%s %d/%d %s ", name, len(p), length, age)
	if len(p) < 28 || p[0] != 0x45 || p[9] != 17 {
		fmt.Fprintf(out, "%x\n", p[:min(len(p), 20)])
		return
	}
	text := string(p[28:])
	fmt.Fprintf(out, "udp > %d.%d.%d.%d:%d %s\n", p[16], p[17], p[18], p[19], binary.BigEndian.Uint16(p[22:]), text[:min(len(text), 30)])
}
