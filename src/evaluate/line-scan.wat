;; Follows an automaton over a text, in four places at once: the state of one place does not wait for another's, so the
;; processor looks up four characters in the time of one. `test/evaluate/line-scan.test.ts` makes line-scan-program.ts of it.
;;
;; Memory: at 0 a byte for each character, its class times four; at 256 the states, each a row of 64 classes of four bytes,
;; which hold where the next row begins, counted from 256. Its lowest bit tells that a literal ends there.
(module
  (memory (export "memory") 1)

  ;; Looks at $steps characters each from $at, $at + $apart, $at + 2 $apart and $at + 3 $apart on, and writes to $out where a
  ;; literal ended and in which state, as pairs of 32 bits. Returns the end of what it wrote.
  (func (export "scan") (param $at i32) (param $apart i32) (param $steps i32) (param $out i32) (result i32)
    (local $end i32)
    (local $at1 i32) (local $at2 i32) (local $at3 i32)
    (local $state0 i32) (local $state1 i32) (local $state2 i32) (local $state3 i32)
    (local.set $end (i32.add (local.get $at) (local.get $steps)))
    (local.set $at1 (i32.add (local.get $at) (local.get $apart)))
    (local.set $at2 (i32.add (local.get $at1) (local.get $apart)))
    (local.set $at3 (i32.add (local.get $at2) (local.get $apart)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $state0
          (i32.load offset=256 (i32.add (local.get $state0) (i32.load8_u (i32.load8_u (local.get $at))))))
        (local.set $state1
          (i32.load offset=256 (i32.add (local.get $state1) (i32.load8_u (i32.load8_u (local.get $at1))))))
        (local.set $state2
          (i32.load offset=256 (i32.add (local.get $state2) (i32.load8_u (i32.load8_u (local.get $at2))))))
        (local.set $state3
          (i32.load offset=256 (i32.add (local.get $state3) (i32.load8_u (i32.load8_u (local.get $at3))))))
        (if
          (i32.and
            (i32.const 1)
            (i32.or
              (i32.or (local.get $state0) (local.get $state1))
              (i32.or (local.get $state2) (local.get $state3))))
          (then
            (local.set $out (call $note (local.get $state0) (local.get $at) (local.get $out)))
            (local.set $out (call $note (local.get $state1) (local.get $at1) (local.get $out)))
            (local.set $out (call $note (local.get $state2) (local.get $at2) (local.get $out)))
            (local.set $out (call $note (local.get $state3) (local.get $at3) (local.get $out)))
            (local.set $state0 (i32.and (local.get $state0) (i32.const -2)))
            (local.set $state1 (i32.and (local.get $state1) (i32.const -2)))
            (local.set $state2 (i32.and (local.get $state2) (i32.const -2)))
            (local.set $state3 (i32.and (local.get $state3) (i32.const -2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $at1 (i32.add (local.get $at1) (i32.const 1)))
        (local.set $at2 (i32.add (local.get $at2) (i32.const 1)))
        (local.set $at3 (i32.add (local.get $at3) (i32.const 1)))
        (br $next)))
    (local.get $out))

  ;; Writes address and state where the state ended a literal, and returns where the next goes.
  (func $note (param $state i32) (param $at i32) (param $out i32) (result i32)
    (if (result i32) (i32.and (local.get $state) (i32.const 1))
      (then
        (i32.store (local.get $out) (local.get $at))
        (i32.store offset=4 (local.get $out) (local.get $state))
        (i32.add (local.get $out) (i32.const 8)))
      (else (local.get $out)))))
