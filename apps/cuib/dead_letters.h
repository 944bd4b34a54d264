/* `cuib dead`: events that a consumer could not handle and mails that could not be sent, after all attempts. */
#pragma once

int dead_letters(int argc, char **argv);
