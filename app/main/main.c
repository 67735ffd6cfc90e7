#include "app/commands.h"

int main(int argc, char **argv)
{
    return earshot_main(argc, argv);
}
