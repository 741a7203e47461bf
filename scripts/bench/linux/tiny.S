# The child on Linux: exits at once, or pauses for ever if it has an argument.
.globl _start
_start: cmpl $1, (%rsp)
        jne 1f
        mov $60, %eax
        xor %edi, %edi
        syscall
1:      mov $34, %eax
        syscall
        jmp 1b
