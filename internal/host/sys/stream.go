package sys

import "unsafe"

// The streams of a program, which bpf_stream_printk() and the kernel write to
// (BPF_STDOUT, BPF_STDERR in include/uapi/linux/bpf.h).
const (
	StreamStdout = 1
	StreamStderr = 2
)

// progStreamRead is BPF_PROG_STREAM_READ_BY_FD.
const progStreamRead = 37

// ReadStream takes what is in a program's stream, up to len(buf) bytes; 0: it's empty
// (kernel 6.17; EINVAL before).
func ReadStream(prog int, stream uint32, buf []byte) (n int, err error) {
	a := struct {
		buf               unsafe.Pointer
		len, stream, prog uint32
		_                 uint32
	}{slicePtr(buf), uint32(len(buf)), stream, uint32(prog), 0}
	r, err := bpf(progStreamRead, unsafe.Pointer(&a), unsafe.Offsetof(a.prog)+unsafe.Sizeof(a.prog))
	return int(r), err
}
