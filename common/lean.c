/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/lean.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Did the loader write into what is mapped read-only? Then it is no copy of the file any more. */
static bool has_text_relocations(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_DYNAMIC) {
            continue;
        }
        const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + segment->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0)) {
                return true;
            }
        }
    }
    return false;
}

static int forget_object(struct dl_phdr_info *object, size_t size, void *context)
{
    uintptr_t page = *(const uintptr_t *)context;
    (void)size;
    if (has_text_relocations(object)) {
        return 0;
    }
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t from = (object->dlpi_addr + segment->p_vaddr + page - 1) / page * page;
        uintptr_t to = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) / page * page;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) == 0 && to > from) {
            /* Only a help. */
            (void)madvise((void *)from, to - from, MADV_DONTNEED); /* NOLINT: an address */
        }
    }
    return 0;
}

void lean_begin(void)
{
    (void)mallopt(M_ARENA_MAX, 1); /* only a help */
}

void lean_forget(void)
{
    long page = sysconf(_SC_PAGESIZE);
    (void)malloc_trim(0); /* whether there was something to give back */
    if (page > 0) {
        uintptr_t size = (uintptr_t)page;
        (void)dl_iterate_phdr(forget_object, &size); /* as forget_object says: 0 */
    }
}
