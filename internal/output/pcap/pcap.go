// Package pcap writes packets to files for tcpdump, Wireshark and their like: pcap, and pcapng
// when the file's name ends so.
//
// gopacket's pcapgo isn't used: it brings the tables of all protocols, which are made at
// start, for the few lines that the formats' headers take.
package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// The formats' numbers (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng). Both are written in
// the machine's byte order, which readers tell by the magic number.
const (
	magicMicros  = 0xa1b2c3d4
	linkRaw      = 101   // LINKTYPE_RAW: the packet begins with its IPv4 or IPv6 header
	snapLen      = 65535 // no packet is longer
	sectionBlock = 0x0a0d0d0a
	byteOrder    = 0x1a2b3c4d
	ifaceBlock   = 1
	packetBlock  = 6
	optEnd       = 0
	optComment   = 1
	optUserAppl  = 4 // of a section
	optIfName    = 2 // of an interface
	optIfResol   = 9 // of an interface: time stamps count 10 to the minus this
	nanoseconds  = 9
)

// order is the machine's byte order.
var order = binary.NativeEndian

// flushAt is how many bytes are written at once.
const flushAt = 64 << 10

// Writer writes one file. One goroutine uses it; Close closes it.
//
// A write that fails is reported once, by the call that met it. The file then ends with its
// last whole packet, nothing more is written, and Close says how many packets are missing.
type Writer struct {
	path    string
	f       *os.File
	ng      bool
	ifaces  uint32
	buf     []byte
	ends    []int // in buf, of its blocks
	written int64 // bytes of whole blocks in the file
	packets int   // in buf
	missing int
	err     error
}

// Create makes a file, or empties it. Writing to it goes on until Close. application and comment are put
// into a pcapng file. "-" is standard output.
func Create(path, application, comment string) (*Writer, error) {
	w := &Writer{path: path, ng: strings.HasSuffix(path, ".pcapng"), f: os.Stdout}
	if path != "-" {
		// Not os.Create: of a pipe that would be a reader too, which nobody reads from.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return nil, fmt.Errorf("create packet file: %w", err)
		}
		w.f = f
	}
	if w.ng {
		w.section(application, comment)
		return w, nil
	}
	w.buf = order.AppendUint32(w.buf, magicMicros)
	w.buf = order.AppendUint16(w.buf, 2) // version 2.4
	w.buf = order.AppendUint16(w.buf, 4)
	w.buf = order.AppendUint64(w.buf, 0) // time zone and accuracy, always 0
	w.buf = order.AppendUint32(w.buf, snapLen)
	w.buf = order.AppendUint32(w.buf, linkRaw)
	w.ends = append(w.ends, len(w.buf))
	return w, nil
}

func (w *Writer) section(application, comment string) {
	at := w.begin(sectionBlock)
	w.buf = order.AppendUint32(w.buf, byteOrder)
	w.buf = order.AppendUint16(w.buf, 1) // version 1.0
	w.buf = order.AppendUint16(w.buf, 0)
	w.buf = order.AppendUint64(w.buf, ^uint64(0)) // length not known
	w.option(optUserAppl, application)
	w.option(optComment, comment)
	w.option(optEnd, "")
	w.end(at)
}

// Interface says where packets come from: name is what a reader shows. The result is for
// Packet; a pcap file has but one, without name.
func (w *Writer) Interface(name string) uint32 {
	if !w.ng {
		return 0
	}
	at := w.begin(ifaceBlock)
	w.buf = order.AppendUint16(w.buf, linkRaw)
	w.buf = order.AppendUint16(w.buf, 0)
	w.buf = order.AppendUint32(w.buf, snapLen)
	w.option(optIfName, name)
	w.option(optIfResol, string([]byte{nanoseconds}))
	w.option(optEnd, "")
	w.end(at)
	w.ifaces++
	return w.ifaces - 1
}

// Packet writes a packet of length bytes, of which data are the first, seen at a time in ns
// since 1970.
func (w *Writer) Packet(iface uint32, ns int64, data []byte, length uint32) error {
	if w.err != nil {
		w.missing++
		return nil
	}
	w.packets++
	length = max(length, uint32(len(data)))
	if w.ng {
		at := w.begin(packetBlock)
		w.buf = order.AppendUint32(w.buf, iface)
		w.buf = order.AppendUint32(w.buf, uint32(uint64(ns)>>32))
		w.buf = order.AppendUint32(w.buf, uint32(ns))
		w.buf = order.AppendUint32(w.buf, uint32(len(data)))
		w.buf = order.AppendUint32(w.buf, length)
		w.buf = append(w.buf, data...)
		w.pad()
		w.end(at)
	} else {
		w.buf = order.AppendUint32(w.buf, uint32(ns/int64(time.Second)))
		w.buf = order.AppendUint32(w.buf, uint32(ns%int64(time.Second)/int64(time.Microsecond)))
		w.buf = order.AppendUint32(w.buf, uint32(len(data)))
		w.buf = order.AppendUint32(w.buf, length)
		w.buf = append(w.buf, data...)
		w.ends = append(w.ends, len(w.buf))
	}
	if len(w.buf) >= flushAt {
		return w.Flush()
	}
	return nil
}

// begin begins a block of a pcapng file, which end ends.
func (w *Writer) begin(kind uint32) (at int) {
	at = len(w.buf)
	w.buf = order.AppendUint32(w.buf, kind)
	w.buf = order.AppendUint32(w.buf, 0)
	return at
}

func (w *Writer) end(at int) {
	n := uint32(len(w.buf) - at + 4)
	order.PutUint32(w.buf[at+4:], n)
	w.buf = order.AppendUint32(w.buf, n)
	w.ends = append(w.ends, len(w.buf))
}

// option adds an option to a block. An empty one is left out, but for the last.
func (w *Writer) option(code uint16, value string) {
	if value == "" && code != optEnd {
		return
	}
	w.buf = order.AppendUint16(w.buf, code)
	w.buf = order.AppendUint16(w.buf, uint16(len(value)))
	w.buf = append(w.buf, value...)
	w.pad()
}

// pad fills up to a whole word; blocks begin at one.
func (w *Writer) pad() {
	for len(w.buf)%4 != 0 {
		w.buf = append(w.buf, 0)
	}
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return nil
	}
	n, err := w.f.Write(w.buf)
	if err != nil {
		w.err = fmt.Errorf("write packets: %w", err)
		w.cut(n)
	} else {
		w.written += int64(n)
	}
	w.buf, w.ends, w.packets = w.buf[:0], w.ends[:0], 0
	return w.err
}

// cut ends the file with its last whole block, after n bytes of buf were written.
func (w *Writer) cut(n int) {
	whole := 0
	for len(w.ends) > 0 && w.ends[0] <= n {
		whole, w.ends = w.ends[0], w.ends[1:]
	}
	w.missing += min(w.packets, len(w.ends))
	w.written += int64(whole)
	if whole == n {
		return
	}
	if err := w.f.Truncate(w.written); err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("the file ends with a part of a packet: %w", err))
	}
}

// Close writes what is buffered and closes the file. The error says all that went wrong.
func (w *Writer) Close() error {
	w.Flush()
	err := w.err
	if w.missing > 0 {
		err = fmt.Errorf("%w (packets missing: %d)", err, w.missing)
	}
	if w.path != "-" {
		if cerr := w.f.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("close packet file: %w", cerr)
		}
	}
	return err
}
