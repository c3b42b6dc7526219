package sys

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ProgTest runs a program of packets repeat times on a packet of zeros, and returns the last
// run's result and the mean time of a run (BPF_PROG_TEST_RUN).
func ProgTest(fd int, packet []byte, repeat uint32) (result uint32, mean time.Duration, err error) {
	a := struct {
		progFD, retval, dataInSize, dataOutSize uint32
		dataIn, dataOut                         unsafe.Pointer
		repeat, duration                        uint32
	}{progFD: uint32(fd), dataInSize: uint32(len(packet)), dataIn: slicePtr(packet), repeat: repeat}
	_, err = bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return a.retval, time.Duration(a.duration), err
}
