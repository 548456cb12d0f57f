/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of services, and which of two ports is the service's. */
#include "meter/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP = 6, UDP = 17, SCTP = 132 };

static char path[] = "/tmp/beffroi-services-XXXXXX";

static int write_file(void **state)
{
    static const char text[] = "# a comment\n"
                               "ssh\t\t22/tcp\t# of the shell\n"
                               "domain 53/tcp\n"
                               "domain 53/udp alias\n"
                               "http 80/tcp www\n"
                               "www-again 80/tcp\n"
                               "https 443/tcp\n"
                               "git 9418/tcp\n"
                               "m3ua 2905/sctp\n"
                               "\n"
                               "noport\n"
                               "bad x/tcp\n"
                               "bad2 99999/tcp\n"
                               "bad3 81/foo\n"
                               "bad4 82tcp\n"
                               "sp@ce 83/tcp\n"
                               "a-name-that-is-longer-than-any-service-has 84/tcp\n"
                               "last 85/tcp"; /* no newline */
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void assert_name(const struct services *services, uint8_t protocol, uint16_t port,
                        const char *wanted)
{
    const char *name = services_name(services, protocol, port);
    if (wanted == NULL) {
        assert_null(name);
    } else {
        assert_non_null(name);
        assert_string_equal(name, wanted);
    }
}

static void names_of_the_file(void **state)
{
    struct services *services = services_new(path, NULL, 0);
    (void)state;
    assert_name(services, TCP, 22, "ssh");
    assert_name(services, UDP, 22, NULL);
    assert_name(services, UDP, 53, "domain");
    assert_name(services, TCP, 80, "http");
    assert_name(services, SCTP, 2905, "m3ua");
    assert_name(services, TCP, 85, "last");
    for (uint16_t port = 81; port < 85; port++) {
        assert_name(services, TCP, port, NULL);
    }
    assert_name(services, 1, 22, NULL);
    assert_int_equal(services_own(services, TCP, 22), -1);
    services_free(services);
}

static void no_file_no_names(void **state)
{
    struct services *services = services_new("/nonexistent/services", NULL, 0);
    (void)state;
    assert_name(services, TCP, 22, NULL);
    assert_int_equal(services_port(services, TCP, 40000, 22), 22);
    services_free(services);
    services_free(NULL);
}

static void own_ones_first(void **state)
{
    const struct service_range own[] = {{"erp", TCP, 8000, 8010}, {"intranet", TCP, 443, 443}};
    struct services *services = services_new(path, own, 2);
    (void)state;
    assert_name(services, TCP, 443, "intranet");
    assert_name(services, TCP, 8000, "erp");
    assert_name(services, TCP, 8010, "erp");
    assert_name(services, TCP, 8011, NULL);
    assert_name(services, UDP, 8000, NULL);
    assert_int_equal(services_own(services, TCP, 8005), 0);
    assert_int_equal(services_own(services, TCP, 443), 1);
    assert_int_equal(services_port(services, TCP, 80, 8005), 8005);
    assert_int_equal(services_port(services, TCP, 8005, 80), 8005);
    services_free(services);
}

static void the_port_that_looks_like_a_service(void **state)
{
    struct services *services = services_new(path, NULL, 0);
    (void)state;
    assert_int_equal(services_port(services, TCP, 50000, 9418), 9418);
    assert_int_equal(services_port(services, TCP, 9418, 443), 443);
    assert_int_equal(services_port(services, TCP, 1023, 9418), 9418);
    assert_int_equal(services_port(services, TCP, 50000, 40000), 40000);
    assert_int_equal(services_port(services, TCP, 22, 80), 22);
    assert_int_equal(services_port(services, UDP, 53, 53), 53);
    services_free(services);
}

static void names_of_this_system(void **state)
{
    struct services *services = services_new("/etc/services", NULL, 0);
    (void)state;
    if (access("/etc/services", R_OK) == 0) {
        assert_name(services, TCP, 443, "https");
        assert_name(services, UDP, 53, "domain");
    }
    services_free(services);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_file),
        cmocka_unit_test(no_file_no_names),
        cmocka_unit_test(own_ones_first),
        cmocka_unit_test(the_port_that_looks_like_a_service),
        cmocka_unit_test(names_of_this_system),
    };
    return cmocka_run_group_tests(tests, write_file, remove_file);
}
