package sys

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestRun is a run of a program for trying it (BPF_PROG_TEST_RUN).
type TestRun struct {
	DataIn, CtxIn   []byte
	DataOut, CtxOut []byte // room for what the program leaves; cut to it by RunTest
	Repeat          uint32
	Result          uint32
	Mean            time.Duration // of a run
}

// RunTest runs a program. ENOSPC: what it leaves is longer than the room for it.
func RunTest(fd int, r *TestRun) error {
	a := struct {
		progFD, retval, dataInSize, dataOutSize uint32
		dataIn, dataOut                         unsafe.Pointer
		repeat, duration, ctxIn, ctxOut         uint32
		ctxInPtr, ctxOutPtr                     unsafe.Pointer
	}{
		progFD: uint32(fd), dataInSize: uint32(len(r.DataIn)), dataIn: slicePtr(r.DataIn),
		dataOutSize: uint32(len(r.DataOut)), dataOut: slicePtr(r.DataOut), repeat: r.Repeat,
		ctxIn: uint32(len(r.CtxIn)), ctxInPtr: slicePtr(r.CtxIn), ctxOut: uint32(len(r.CtxOut)), ctxOutPtr: slicePtr(r.CtxOut),
	}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&a), unsafe.Sizeof(a))
	r.Result, r.Mean = a.retval, time.Duration(a.duration)
	r.DataOut = r.DataOut[:min(len(r.DataOut), int(a.dataOutSize))]
	r.CtxOut = r.CtxOut[:min(len(r.CtxOut), int(a.ctxOut))]
	return err
}
