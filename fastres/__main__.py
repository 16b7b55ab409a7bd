from fastres.cli import main

main()
